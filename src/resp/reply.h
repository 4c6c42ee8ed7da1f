// A reply as a client sees it: a tree, kept flat.
//
// The nodes of a reply lie in one vector in the order in which they came (a parent before its
// elements); each knows how many nodes its subtree has, so the next sibling is found without
// pointers, and reading a tree needs no recursion and no allocation. Reply is a view of one node,
// cheap to copy, valid as long as the parser's reply it comes from. Not thread-safe by itself; a
// view may be read by several threads while nobody moves its parser on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn::resp {

enum class ReplyType : uint8_t {
  kSimple,
  kError,  // of a line or of a bulk string
  kInteger,
  kBulk,
  kNull,  // of any version and kind
  kDouble,
  kBoolean,
  kBigNumber,
  kVerbatim,
  kArray,
  kMap,
  kSet,
  kPush,
  kAttribute,  // never seen outside the parser, which drops attributes
};

struct ReplyNode {
  ReplyType type = ReplyType::kNull;
  uint32_t subtree = 1;  // nodes of this one and everything below
  uint64_t offset = 0;   // of the text, from the beginning of the reply
  uint64_t size = 0;     // bytes of the text, or number of elements
  union {
    int64_t integer = 0;
    double number;
  };
};

class Reply {
 public:
  // Goes over the elements; enough of an iterator for range-for.
  class Iterator {
   public:
    Iterator(const char* base, const ReplyNode* node) : base_(base), node_(node) {}
    Reply operator*() const { return {base_, node_}; }
    Iterator& operator++() {
      node_ += node_->subtree;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return node_ != other.node_; }

   private:
    const char* base_;
    const ReplyNode* node_;
  };

  Reply(const char* base, const ReplyNode* node) : base_(base), node_(node) {}

  [[nodiscard]] ReplyType type() const { return node_->type; }
  [[nodiscard]] bool is_null() const { return type() == ReplyType::kNull; }
  [[nodiscard]] bool is_error() const { return type() == ReplyType::kError; }
  [[nodiscard]] bool is_aggregate() const { return type() >= ReplyType::kArray; }

  // Simple strings, errors, bulk strings, big numbers and verbatim text (without its format): their
  // bytes; numbers: as they were written. Empty for the rest.
  [[nodiscard]] std::string_view text() const {
    return is_aggregate() ? std::string_view()
                          : std::string_view(base_ + node_->offset, node_->size);
  }
  // The three letters before verbatim text ("txt").
  [[nodiscard]] std::string_view format() const {
    return type() == ReplyType::kVerbatim ? std::string_view(base_ + node_->offset - 4, 3)
                                          : std::string_view();
  }
  // kInteger: its value; kBoolean: 0 or 1; 0 for the rest.
  [[nodiscard]] int64_t integer() const {
    return type() == ReplyType::kDouble ? 0 : node_->integer;
  }
  // kDouble: its value; 0 for the rest.
  [[nodiscard]] double number() const { return type() == ReplyType::kDouble ? node_->number : 0; }

  // Number of elements of an aggregate; a map counts keys and values (both are elements, in turn).
  [[nodiscard]] size_t size() const { return is_aggregate() ? node_->size : 0; }
  [[nodiscard]] Iterator begin() const { return {base_, node_ + 1}; }
  [[nodiscard]] Iterator end() const { return {base_, node_ + node_->subtree}; }
  // Element `index`, below size(); takes time proportional to it.
  [[nodiscard]] Reply operator[](size_t index) const {
    Iterator element = begin();
    while (index-- > 0) ++element;
    return *element;
  }

 private:
  const char* base_;
  const ReplyNode* node_;
};

}  // namespace cairn::resp
