#pragma once

#if !defined(NVEMBED_WITH_SENTENCEPIECE)
#error "link nvembed::sentencepiece (find_package(nvembed COMPONENTS sentencepiece)) to use nvembed/text/sentencepiece.hpp"
#endif

#include <sentencepiece_processor.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include <nvembed/text/special_tokens.hpp>
#include <nvembed/text/tokenizer.hpp>

namespace nvembed::text {

/// A SentencePiece `tokenizer.model`, tokenised by the sentencepiece library itself. An optional component: the library
/// brings protobuf with it. Text between parsed special strings is tokenised stretch by stretch, each with its prefix.
class SentencePiece {
 public:
  /// Throws FileError naming the file where it cannot be read.
  explicit SentencePiece(const std::filesystem::path& path)
      : processor_(std::make_shared<sentencepiece::SentencePieceProcessor>()) {
    require<FileError>(std::filesystem::is_regular_file(path), "sentencepiece", path.string(), ": no such file");
    const auto status = processor_->Load(path.string());
    require<FileError>(status.ok(), "sentencepiece", path.string(), ": ", status.ToString());
    std::vector<AddedToken> control;
    for (int i = 0; i < processor_->GetPieceSize(); ++i)
      if (processor_->IsControl(i) || processor_->IsUnknown(i)) control.push_back({processor_->IdToPiece(i), i});
    special_ = SpecialTokens(std::move(control));
  }

  void encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options = {}) const {
    require_utf8(text);
    const std::size_t first = out.size();
    const auto token = [&](TokenId id, std::size_t end) {
      out.push_back(id);
      if (options.ends) options.ends->push_back(static_cast<Index>(end));
      return static_cast<Index>(out.size() - first) <= options.limit;
    };
    special_.cut(
        text, options.parse_special,
        [&](std::size_t begin, std::size_t end) {
          sentencepiece::ImmutableSentencePieceText pieces;
          const auto status = processor_->Encode({text.data() + begin, end - begin}, pieces.mutable_proto());
          require<InputError>(status.ok(), "sentencepiece", status.ToString());
          for (const auto& p : pieces.pieces())
            if (!token(static_cast<TokenId>(p.id()), begin + p.end())) return false;
          return true;
        },
        [&](std::size_t, std::size_t end, TokenId id) { return token(id, end); });
  }

  Index vocab_size() const { return processor_->GetPieceSize(); }
  std::string token(TokenId id) const {
    return id >= 0 && id < processor_->GetPieceSize() ? processor_->IdToPiece(id) : std::string();
  }
  std::optional<TokenId> find(std::string_view piece) const {
    const int id = processor_->PieceToId({piece.data(), piece.size()});
    return id == processor_->unk_id() && processor_->IdToPiece(id) != std::string(piece) ? std::nullopt : std::optional<TokenId>(id);
  }
  std::optional<TokenId> bos() const { return valid(processor_->bos_id()); }
  std::optional<TokenId> eos() const { return valid(processor_->eos_id()); }

 private:
  static std::optional<TokenId> valid(int id) { return id >= 0 ? std::optional<TokenId>(id) : std::nullopt; }

  std::shared_ptr<sentencepiece::SentencePieceProcessor> processor_;  // its Encode is const and safe to share
  SpecialTokens special_;
};

}  // namespace nvembed::text
