#include "sinks/detail/compressor.h"

#include <zstd.h>

#include <stdexcept>

namespace gonets::sinks::detail {
namespace {

constexpr int level = 3;

ZSTD_CCtx* zstd(const std::unique_ptr<void, void (*)(void*)>& context) {
  return static_cast<ZSTD_CCtx*>(context.get());
}

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) != 0) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(result));
  return result;
}

}  // namespace

compressor::compressor() : context_(ZSTD_createCCtx(), [](void* c) { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(c)); }) {
  if (!context_) throw std::runtime_error("zstd: no memory");
  checked(ZSTD_CCtx_setParameter(zstd(context_), ZSTD_c_compressionLevel, level));
  checked(ZSTD_CCtx_setParameter(zstd(context_), ZSTD_c_checksumFlag, 0));
}

void compressor::run(std::string_view text, int how, std::string& to) {
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  for (std::size_t left = 1; left != 0;) {
    const auto at = to.size();
    to.resize(at + ZSTD_CStreamOutSize());
    ZSTD_outBuffer out{to.data() + at, to.size() - at, 0};
    left = checked(ZSTD_compressStream2(zstd(context_), &out, &in, static_cast<ZSTD_EndDirective>(how)));
    to.resize(at + out.pos);
  }
}

void compressor::add_and_flush(std::string_view text, std::string& to) {
  run(text, ZSTD_e_flush, to);
  open_ = true;
}

void compressor::end(std::string& to) {
  if (!open_) return;
  run({}, ZSTD_e_end, to);
  open_ = false;
}

}  // namespace gonets::sinks::detail
