# build_flags: warnings, hardening and sanitizers of everything of ours.
option(HAWARD_WERROR "Warnings are errors" OFF)
option(HAWARD_FUZZ "Build fuzz targets with libFuzzer (clang)" OFF)
set(HAWARD_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, e.g. address,undefined")

add_library(build_flags INTERFACE)
target_compile_definitions(build_flags INTERFACE _GNU_SOURCE)
target_compile_options(build_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wswitch-enum
  -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Wredundant-decls -Wunused-macros
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(build_flags INTERFACE
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Warith-conversion -Walloca
    $<$<COMPILE_LANGUAGE:C>:-Wjump-misses-init> -Wtrampolines -ftrivial-auto-var-init=zero)
  if(NOT HAWARD_SANITIZE) # red zones make frames larger than they are
    target_compile_options(build_flags INTERFACE -Wframe-larger-than=16384)
  endif()
elseif(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  target_compile_options(build_flags INTERFACE
    -Wcomma -Wunreachable-code-aggressive -Wassign-enum -Wthread-safety -Wconditional-uninitialized)
endif()
if(HAWARD_WERROR)
  target_compile_options(build_flags INTERFACE -Werror)
endif()

target_compile_options(build_flags INTERFACE -fno-common -fvisibility=hidden -fPIE -fstack-protector-strong
  -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  target_compile_options(build_flags INTERFACE -fcf-protection=full)
endif()
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(build_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
target_link_options(build_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)

if(HAWARD_SANITIZE)
  target_compile_options(build_flags INTERFACE -fsanitize=${HAWARD_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(build_flags INTERFACE -fsanitize=${HAWARD_SANITIZE})
endif()
if(HAWARD_FUZZ)
  target_compile_options(build_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
