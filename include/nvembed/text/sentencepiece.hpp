#pragma once

#if !defined(NVEMBED_WITH_SENTENCEPIECE)
#error "nvembed/text/sentencepiece.hpp needs the component sentencepiece: link nvembed::sentencepiece"
#endif

#include <sentencepiece_processor.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nvembed/text/charsmap.hpp>
#include <nvembed/text/special_tokens.hpp>
#include <nvembed/text/tokenizer.hpp>
#include <nvembed/text/unicode.hpp>
#include <system_error>

namespace nvembed::text {

/// A SentencePiece `tokenizer.model`, tokenised by the sentencepiece library itself. An optional component: the library
/// brings protobuf with it. Text between parsed special strings is tokenised stretch by stretch, each with its prefix.
class SentencePiece {
 public:
  /// Throws FileError naming the file where it cannot be read.
  explicit SentencePiece(const std::filesystem::path& path)
      : processor_(std::make_shared<sentencepiece::SentencePieceProcessor>()) {
    std::error_code unknown;  // without it, a folder that may not be searched throws what is no Error
    require<FileError>(std::filesystem::is_regular_file(path, unknown), "sentencepiece", path.string(),
                       ": no such file");
    require<FileError>(std::filesystem::file_size(path, unknown) <= std::size_t{1} << 28, "sentencepiece",
                       path.string(), ": more than 256 MiB are no SentencePiece model");
    std::ifstream file(path, std::ios::binary);
    require<FileError>(file.is_open(), "sentencepiece", path.string(), ": cannot be opened");
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    require<FileError>(detail::has_sound_charsmaps(content), "sentencepiece", path.string(),
                       ": is no SentencePiece model, or its precompiled_charsmap is broken");
    std::string problem;
    try {
      const auto status = processor_->LoadFromSerializedProto(content);
      if (!status.ok()) problem = status.ToString();
    } catch (const std::exception& e) {  // its trie throws for pieces with a NUL, among other things
      problem = e.what();
    }
    require<FileError>(problem.empty(), "sentencepiece", path.string(), ": ", problem);
    std::vector<AddedToken> control;
    for (int i = 0; i < processor_->GetPieceSize(); ++i)
      if (processor_->IsControl(i) || processor_->IsUnknown(i))
        control.push_back({.content = processor_->IdToPiece(i), .id = i, .special = true});
    try {
      special_ = SpecialTokens(std::move(control));
    } catch (const InputError& e) {
      throw FileError(cat(e.what(), " (", path.string(), ")"));
    }
  }

  void encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options = {}) const {
    require_utf8(text);
    const std::size_t start = out.size();
    const auto stretch = [&](std::size_t begin, std::size_t end) {
      if (begin < end) encode_stretch(text.substr(begin, end - begin), begin, out, options);
      return static_cast<Index>(out.size() - start) <= options.limit;
    };
    SpecialTokens::Search search(special_, text, options.parse_special);
    std::size_t done = 0;
    for (SpecialTokens::Found found; search.next(found); done = found.end) {
      if (!stretch(done, found.begin)) return;
      out.push_back(found.id);
      if (options.ends) options.ends->push_back(static_cast<Index>(found.end));
    }
    stretch(done, text.size());
  }

  Index vocab_size() const { return processor_->GetPieceSize(); }
  std::string token(TokenId id) const {
    return id >= 0 && id < processor_->GetPieceSize() ? processor_->IdToPiece(id) : std::string();
  }
  std::optional<TokenId> find(std::string_view piece) const {
    const int id = processor_->PieceToId({piece.data(), piece.size()});
    return id == processor_->unk_id() && processor_->IdToPiece(id) != std::string(piece) ? std::nullopt
                                                                                         : std::optional<TokenId>(id);
  }
  std::optional<TokenId> bos() const { return valid(processor_->bos_id()); }
  std::optional<TokenId> eos() const { return valid(processor_->eos_id()); }

 private:
  void encode_stretch(std::string_view text, std::size_t at, std::vector<TokenId>& out,
                      const TokenizeOptions& options) const {
    sentencepiece::ImmutableSentencePieceText pieces;
    const auto status = processor_->Encode({text.data(), text.size()}, pieces.mutable_proto());
    require<InputError>(status.ok(), "sentencepiece", status.ToString());
    const std::size_t first = options.ends ? options.ends->size() : 0;
    for (const auto& p : pieces.pieces()) {
      out.push_back(static_cast<TokenId>(p.id()));
      if (options.ends) options.ends->push_back(static_cast<Index>(at + p.end()));
    }
    if (!options.ends) return;
    // Of the bytes of one character the library gives the character to the last; the others depend on it too.
    for (std::size_t i = pieces.pieces_size(); i-- > 1;) {
      const auto p = pieces.pieces(static_cast<int>(i - 1));
      if (p.begin() == p.end() && processor_->IsByte(static_cast<int>(p.id())))
        (*options.ends)[first + i - 1] = (*options.ends)[first + i];
    }
  }
  static std::optional<TokenId> valid(int id) { return id >= 0 ? std::optional<TokenId>(id) : std::nullopt; }

  std::shared_ptr<sentencepiece::SentencePieceProcessor> processor_;  // its Encode is const and safe to share
  SpecialTokens special_;
};

}  // namespace nvembed::text
