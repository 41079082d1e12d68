# The dashboard inside the binary: webui/ is built with Node and npm, or taken ready-made from a directory,
# and lands in .rodata by .incbin. Without one (HAWARD_WEBUI_DIR="") the program has the API only.
set(HAWARD_WEBUI_DIR "build" CACHE STRING
  "Directory of a built dashboard; 'build' builds webui/ with Node; empty leaves the dashboard out")

if(HAWARD_WEBUI_DIR STREQUAL "")
  target_sources(agent_admin PRIVATE assets_none.c)
else()
  set(embed_dir ${CMAKE_BINARY_DIR}/webui)
  set(embed_stamps "")
  if(HAWARD_WEBUI_DIR STREQUAL "build")
    find_program(NODE_PROGRAM node REQUIRED)
    find_program(NPM_PROGRAM npm REQUIRED)
    # In a copy, so that the source tree stays as it is and two build trees do not meet in one node_modules.
    set(copy ${embed_dir}/source)
    set(dist ${embed_dir}/dist)
    set(webui ${PROJECT_SOURCE_DIR}/webui)
    file(GLOB_RECURSE webui_sources CONFIGURE_DEPENDS ${webui}/src/*)
    add_custom_command(OUTPUT ${embed_dir}/installed
      COMMAND ${CMAKE_COMMAND} -E make_directory ${copy}
      COMMAND ${CMAKE_COMMAND} -E copy ${webui}/package.json ${webui}/package-lock.json ${copy}
      COMMAND ${CMAKE_COMMAND} -E chdir ${copy} ${NPM_PROGRAM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
      COMMAND ${CMAKE_COMMAND} -E touch ${embed_dir}/installed
      DEPENDS ${webui}/package.json ${webui}/package-lock.json
      COMMENT "Installing the dashboard's packages" VERBATIM)
    add_custom_command(OUTPUT ${embed_dir}/built
      COMMAND ${CMAKE_COMMAND} -E rm -rf ${copy}/src
      COMMAND ${CMAKE_COMMAND} -E copy_directory ${webui}/src ${copy}/src
      COMMAND ${CMAKE_COMMAND} -E copy ${webui}/build.mjs ${webui}/notices.mjs ${webui}/tsconfig.json ${copy}
      COMMAND ${CMAKE_COMMAND} -E chdir ${copy} ${NODE_PROGRAM} build.mjs ${dist}
      COMMAND ${CMAKE_COMMAND} -E touch ${embed_dir}/built
      DEPENDS ${embed_dir}/installed ${webui_sources} ${webui}/build.mjs ${webui}/notices.mjs ${webui}/tsconfig.json
      COMMENT "Building the dashboard" VERBATIM)
    set(embed_stamps ${embed_dir}/built)
  else()
    get_filename_component(dist ${HAWARD_WEBUI_DIR} ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    if(NOT EXISTS ${dist}/index.html)
      message(FATAL_ERROR "HAWARD_WEBUI_DIR: no index.html in ${dist}")
    endif()
    file(GLOB_RECURSE embed_stamps CONFIGURE_DEPENDS ${dist}/*)
  endif()
  add_custom_command(OUTPUT ${embed_dir}/assets.S ${embed_dir}/assets.c
    COMMAND ${CMAKE_COMMAND} -DDIST=${dist} -DOUT=${embed_dir} -P ${CMAKE_CURRENT_LIST_DIR}/EmbedAssetsScript.cmake
    DEPENDS ${embed_stamps} ${CMAKE_CURRENT_LIST_DIR}/EmbedAssetsScript.cmake
    COMMENT "Embedding the dashboard" VERBATIM)
  # CMake does not see what .incbin reads: the generated file is rewritten whenever the dashboard is.
  target_sources(agent_admin PRIVATE ${embed_dir}/assets.S ${embed_dir}/assets.c)
endif()
