// Engine keys keep the order of user keys, can be taken apart again, and expiry entries lead back
// to their key.
#include <string>

#include "fuzz/fuzz.h"
#include "keyspace/key_codec.h"

namespace cairn::fuzz {
namespace {

using keyspace::EngineKey;
using keyspace::KeyCodec;

int Sign(int number) {
  return (number > 0) - (number < 0);
}

// A key with a long run of one byte in front, so that small inputs reach the long forms.
std::string TakeKey(Input& input) {
  std::string key(input.Number() % 520, static_cast<char>(input.Byte()));
  key += input.Take(input.Byte());
  return key;
}

void CheckKey(const KeyCodec& codec, uint32_t id, const std::string& user_key, int64_t expire_ms) {
  EngineKey key;
  codec.Encode(id, user_key, &key);
  Require(!key.view().empty() && key.view().size() <= engine::kMaxEngineKey, "size");
  Require(KeyCodec::IdOf(key.view()) == id, "the id comes back");
  Require(key.is_long() == (user_key.size() > keyspace::kMaxPlainKey), "form");
  if (!key.is_long()) Require(KeyCodec::UserPart(key.view()) == user_key, "the key comes back");
  Require(KeyCodec::SeekKey(id, user_key) <= key.view(), "a walk begins at or before its key");
  const KeyCodec::ExpiryEntry entry = codec.EncodeExpiry(key.view(), expire_ms);
  Require(entry.key.size() <= engine::kMaxEngineKey, "size of the expiry entry");
  Require(KeyCodec::ExpiryTime(entry.key) == expire_ms, "the time comes back");
  Require(KeyCodec::ExpiryTarget(entry.key, entry.value) == key.view(), "the target comes back");
}

}  // namespace
}  // namespace cairn::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cairn::fuzz::Require;
  using cairn::keyspace::EngineKey;
  cairn::fuzz::Input input(data, size);
  const cairn::keyspace::KeyCodec codec(input.Number());
  const auto id = static_cast<uint32_t>(input.Number());
  const auto a_ms = static_cast<int64_t>(input.Number() >> 1);
  const auto b_ms = static_cast<int64_t>(input.Number() >> 1);
  const std::string a = cairn::fuzz::TakeKey(input);
  const std::string b = cairn::fuzz::TakeKey(input);
  cairn::fuzz::CheckKey(codec, id, a, a_ms);
  cairn::fuzz::CheckKey(codec, id, b, b_ms);
  EngineKey a_key;
  EngineKey b_key;
  codec.Encode(id, a, &a_key);
  codec.Encode(id, b, &b_key);
  const bool same_group = a_key.is_long() && b_key.is_long() &&
                          cairn::keyspace::KeyCodec::GroupOf(a_key.view()) ==
                              cairn::keyspace::KeyCodec::GroupOf(b_key.view());
  if (same_group) {
    Require((a == b) == (a_key.view() == b_key.view()), "different keys of a group differ");
  } else {
    Require(
        cairn::fuzz::Sign(a.compare(b)) == cairn::fuzz::Sign(a_key.view().compare(b_key.view())),
        "order is kept");
  }
  if (a_ms != b_ms) {
    const bool before =
        codec.EncodeExpiry(a_key.view(), a_ms).key < codec.EncodeExpiry(b_key.view(), b_ms).key;
    Require(before == (a_ms < b_ms), "expiry entries sort by time");
  }
  return 0;
}
