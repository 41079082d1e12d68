# agent_layer(NAME SOURCES a.c ... [USES layer ...] [LIBS library ...]) - static library agent_NAME.
function(agent_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_library(agent_${name} STATIC ${ARG_SOURCES})
  target_include_directories(agent_${name} PUBLIC ${PROJECT_SOURCE_DIR}/agent)
  list(TRANSFORM ARG_USES PREPEND agent_)
  target_link_libraries(agent_${name} PUBLIC ${ARG_USES} ${ARG_LIBS} PRIVATE build_flags)
endfunction()

# unit_test(LAYER FILE [LIBS library ...]) - tests/unit/LAYER/test_FILE.c against agent_LAYER, label unit.
function(unit_test layer file)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  set(target test_${layer}_${file})
  add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/${layer}/test_${file}.c)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
  target_link_libraries(${target} PRIVATE agent_${layer} ${ARG_LIBS} PkgConfig::CMOCKA build_flags)
  add_test(NAME unit/${layer}/${file} COMMAND ${target})
  set_tests_properties(unit/${layer}/${file} PROPERTIES LABELS unit TIMEOUT 120
    ENVIRONMENT "HAWARD_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# fuzz_target(NAME library ...) - tests/fuzz/fuzz_NAME.c; with libFuzzer in the fuzz preset, and in every other
# one linked to a driver that replays corpus and regressions, so that a crash ever found stays a test.
function(fuzz_target name)
  set(source ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
  if(HAWARD_FUZZ)
    add_executable(fuzz_${name} ${source})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${name} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
  endif()
  target_link_libraries(fuzz_${name} PRIVATE ${ARGN} build_flags)
  add_test(NAME fuzz/${name}
    COMMAND ${PROJECT_SOURCE_DIR}/tests/fuzz/run.sh $<TARGET_FILE:fuzz_${name}> ${name} ${HAWARD_FUZZ})
  set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 900)
endfunction()
