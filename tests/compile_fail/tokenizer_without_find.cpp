// Any tokenizer of one's own can be put into AnyTokenizer; what it lacks is named.
// gcc: the required expression 'k.find.text.' is invalid
// clang: 'k.find.text.' would be invalid: no member named 'find'
#include <nvembed/text/any_tokenizer.hpp>
using namespace nvembed;

struct Bytes {
  void encode(std::string_view, std::vector<TokenId>&, const text::TokenizeOptions&) const {}
  Index vocab_size() const { return 256; }
  std::string token(TokenId) const { return {}; }
#if defined(FIXED)
  std::optional<TokenId> find(std::string_view) const { return {}; }
#endif
  std::optional<TokenId> bos() const { return {}; }
  std::optional<TokenId> eos() const { return {}; }
};
const text::AnyTokenizer tokenizer{Bytes{}};
