#include <doctest/doctest.h>

#include <nvembed/io/sha256.hpp>

using nvembed::Sha256;

namespace {
std::string of(std::string_view text) {
  Sha256 h;
  h.update(text);
  return h.hex();
}
}  // namespace

TEST_CASE("SHA-256: the examples of FIPS 180-4, in one piece and in many") {
  CHECK(of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 h;
  const std::string piece(997, 'a');  // never a multiple of a block
  for (std::size_t done = 0; done < 1000000; done += piece.size())
    h.update(std::string_view(piece).substr(0, std::min<std::size_t>(piece.size(), 1000000 - done)));
  CHECK(h.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
