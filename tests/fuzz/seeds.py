"""Writes the first inputs of each fuzz target: seeds FOLDER makes FOLDER/TARGET/NAME.

What once broke a target is added here with the mend."""

import pathlib
import sys

SEEDS = {
    "config": {
        "sizes":
            b"write-buffer-size 64mb\nlog-segment-size 1gb\nproto-max-bulk-l"
            b"en 1k\ntimeout 5\nloglevel debug\n",
        "small":
            b"# comment\nport 7000\nbind 127.0.0.1 -::1\nappendfsync always\ns"
            b'ave ""\nmaxclients 100\nrename-command FLUSHALL ""\nclient-outp'
            b'ut-buffer-limit normal 0 0 0\nrequirepass "a\\x41"\n',
    },
    "glob": {
        "class":
            b"\na*[^b-d\\]]?xabcdef",
        "stars":
            b"\x08*a*a*a*aaaaaaaaaaaaaaab",
    },
    "key_codec": {
        "long":
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\xf0k\x03abc\x00\x00\x00\x00\x00\x00\x01\xf0k\x03abd",
    },
    "log": {
        "edits":
            b"\x05\n\x00\x14\x01\x1e\x00(\x012\x00\x02\x00\x00\x00\x00\x00\x00\x00P\x00\xff\x00\x00\x00\x00\x00\x00\x00\x90\x01",
    },
    "reply_parser": {
        "resp2":
            b"\x03+OK\r\n-ERR x\r\n:42\r\n$-1\r\n*-1\r\n$3\r\nabc\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n",
        "resp3":
            b"\x03%1\r\n+k\r\n,1.5\r\n~1\r\n#t\r\n_\r\n(123\r\n=7\r\ntxt:abc\r\n>1\r\n+x\r\n|1\r\n+a\r"
            b"\n+b\r\n:1\r\n",
    },
    "request_parser": {
        "inline":
            b'\t\x00SET "a b" \'c\' \\x41\r\n\r\nPING\n*0\r\n*-1\r\n*1\r\n$4\r\nQUIT\r\n',
        "limits":
            b"\x01\x0e*7\r\n$200\r\n",
        "set":
            b"\x05\x00*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n*1\r\n$4\r\nPING\r\n",
    },
    "run_file": {
        "edits":
            b"\x04\x01\t\x00\x01\x1e\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00-\x00\xff\x00\x00\x00\x00\x00\x00\x00P\x01",
    },
}


def main():
    for target, seeds in SEEDS.items():
        folder = pathlib.Path(sys.argv[1], target)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


main()
