# Writes OUT, a source that defines the function FUNCTION (qualified; declared in HEADER), which returns the text of IN.
#   cmake -DIN=... -DOUT=... -DFUNCTION=gonets::config::some_text -DHEADER=config/some.h -P embed_text.cmake
file(READ "${IN}" text)
string(FIND "${text}" ")embedded\"" clash)
if(NOT clash EQUAL -1)
  message(FATAL_ERROR "${IN} has what ends its raw string: )embedded\"")
endif()
file(WRITE "${OUT}" "// Made of ${IN} by cmake/embed_text.cmake.
#include \"${HEADER}\"

std::string_view ${FUNCTION}() {
  return R\"embedded(${text})embedded\";
}
")
