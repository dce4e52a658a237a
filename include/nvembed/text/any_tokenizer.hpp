#pragma once

#include <memory>
#include <nvembed/text/tokenizer.hpp>
#include <utility>

namespace nvembed::text {

/// Any tokenizer, chosen when a model is loaded, and the tokens its model puts around every text (BOS, EOS). Copies
/// share the tokenizer. Every call but `operator bool` needs a tokenizer to be there.
class AnyTokenizer {
 public:
  AnyTokenizer() = default;
  template <Tokenizer K>
  requires(!std::same_as<K, AnyTokenizer>)
      AnyTokenizer(K tokenizer, std::vector<TokenId> before = {}, std::vector<TokenId> after = {})
      : self_(std::make_shared<Model<K>>(std::move(tokenizer))), before_(std::move(before)), after_(std::move(after)) {
    bos_ = self_->bos();
    eos_ = self_->eos();
  }

  explicit operator bool() const { return self_ != nullptr; }
  void encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options = {}) const {
    self_->encode(text, out, options);
  }
  Index vocab_size() const { return self_->vocab_size(); }
  std::string token(TokenId id) const { return self_->token(id); }
  std::optional<TokenId> find(std::string_view token) const { return self_->find(token); }
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }

  /// Put before and after every text by the model's post-processor.
  const std::vector<TokenId>& before() const { return before_; }
  const std::vector<TokenId>& after() const { return after_; }
  /// The same tokenizer with other tokens around.
  AnyTokenizer with_frame(std::vector<TokenId> before, std::vector<TokenId> after) const {
    AnyTokenizer t = *this;
    t.before_ = std::move(before);
    t.after_ = std::move(after);
    return t;
  }
  /// The same tokenizer where another file (tokenizer_config.json) says which tokens begin and end a text.
  AnyTokenizer with_bos_eos(std::optional<TokenId> bos, std::optional<TokenId> eos) const {
    AnyTokenizer t = *this;
    t.bos_ = bos;
    t.eos_ = eos;
    return t;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual void encode(std::string_view, std::vector<TokenId>&, const TokenizeOptions&) const = 0;
    virtual Index vocab_size() const = 0;
    virtual std::string token(TokenId) const = 0;
    virtual std::optional<TokenId> find(std::string_view) const = 0;
    virtual std::optional<TokenId> bos() const = 0;
    virtual std::optional<TokenId> eos() const = 0;
  };
  template <class K>
  struct Model final : Interface {
    K k;
    explicit Model(K tokenizer) : k(std::move(tokenizer)) {}
    void encode(std::string_view t, std::vector<TokenId>& out, const TokenizeOptions& o) const override {
      k.encode(t, out, o);
    }
    Index vocab_size() const override { return k.vocab_size(); }
    std::string token(TokenId id) const override { return k.token(id); }
    std::optional<TokenId> find(std::string_view t) const override { return k.find(t); }
    std::optional<TokenId> bos() const override { return k.bos(); }
    std::optional<TokenId> eos() const override { return k.eos(); }
  };

  std::shared_ptr<const Interface> self_;
  std::vector<TokenId> before_, after_;
  std::optional<TokenId> bos_, eos_;
};

}  // namespace nvembed::text
