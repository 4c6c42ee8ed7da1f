"""How two replies are judged where equality of bytes is not what is wanted: `~rule` of a case (README.md)."""

from support.resp import RespError, decode

MASK = b"<masked>"


def differ(rule, argument, reference, cairn, context):
    """None if the replies agree under the rule, else a sentence. `context`: reference and Cairn connections as a pair,
    for rules that have to look further."""
    if reference == cairn and rule != "member":
        return None
    return _RULES[rule](argument, reference, cairn, context)


def _exact(_argument, _reference, _cairn, _context):
    return "the bytes differ"


def _any(_argument, reference, cairn, _context):
    """Only the type of the reply has to agree."""
    return None if reference[:1] == cairn[:1] else "the types of the replies differ"


def _near(argument, reference, cairn, _context):
    """Integers (or numbers in a bulk string) at most `argument` apart, of the same sign."""
    if reference[:1] != cairn[:1]:
        return "the types of the replies differ"
    try:
        a, b = int(decode(reference)), int(decode(cairn))
    except (TypeError, ValueError):
        return "not both integers"
    if (a < 0) != (b < 0) or abs(a - b) > int(argument):
        return f"more than {argument} apart"
    return None


def _sorted(_argument, reference, cairn, _context):
    """Arrays with the same elements in any order."""
    a, b = decode(reference), decode(cairn)
    if reference[:1] != cairn[:1] or not isinstance(a, list) or not isinstance(b, list):
        return "the types of the replies differ"
    if len(a) != len(b):
        return f"{len(a)} elements and {len(b)} elements"
    return None if sorted(a) == sorted(b) else "the elements differ"


def _member(_argument, reference, cairn, context):
    """Both null, or each a key that its own server has."""
    for reply, connection in zip((reference, cairn), context):
        key = decode(reply)
        if isinstance(key, RespError):
            return "an error"
        if key is not None and connection.value("EXISTS", key) != 1:
            return f"{key!r} is not a key"
    return None if (decode(reference) is None) == (decode(cairn) is None) else "one is null"


def _mask(argument, reference, cairn, _context):
    """Maps, or flat arrays of pairs, that agree but for the values of the named fields."""
    names = [name.encode() for name in argument.split(",")]
    if reference[:1] != cairn[:1]:
        return "the types of the replies differ"
    a, b = (_masked(decode(reply), names) for reply in (reference, cairn))
    return None if a == b else f"{a!r} and {b!r}"


def _masked(value, names):
    pairs = list(value.items()) if isinstance(value, dict) else list(zip(value[::2], value[1::2]))
    return [(name, MASK if name in names else field) for name, field in pairs]


def _pairs(_argument, reference, cairn, _context):
    """Maps, or flat arrays of pairs, with the same pairs in any order."""
    if reference[:1] != cairn[:1]:
        return "the types of the replies differ"
    a, b = (sorted(_masked(decode(reply), ())) for reply in (reference, cairn))
    return None if a == b else f"{a!r} and {b!r}"


def _fields(argument, reference, cairn, _context):
    """Texts of `name=value` words, as CLIENT INFO gives them: the same names in the same order but for the names that
    Redis 7.2 has on top (`argument`), every value there."""
    added = [name.encode() for name in argument.split(",") if name]
    a, b = decode(reference), decode(cairn)
    if reference[:1] != cairn[:1] or not isinstance(a, bytes) or not isinstance(b, bytes):
        return "the types of the replies differ"
    names = [[word.split(b"=")[0] for word in text.split() if word.split(b"=")[0] not in added] for text in (a, b)]
    return None if names[0] == names[1] else f"the fields are {names[0]!r} and {names[1]!r}"


_RULES = {"exact": _exact, "any": _any, "near": _near, "sorted": _sorted, "member": _member, "mask": _mask,
          "pairs": _pairs, "fields": _fields}
