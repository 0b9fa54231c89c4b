# Prints cases of the pure stages with what this Python makes of them, one JSON array a line: kind, input, outputs.
# Run by the ignored test in tests/vectors/cpython.rs; nothing else of the project needs a Python.
import io, json, random, re, struct, sys
from pathlib import PurePosixPath

gen = random.Random(int(sys.argv[2]))
count = int(sys.argv[3])

PIECES = ["<content>", "</content>", "<think>", "</think>", "<", ">", "</", "\r", "\n", "\r\n", " ", "\t", "\x0b", "\x0c",
          "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u180e", "\u2003", "\u200b", "\u2028", "\u3000",
          "\ufeff", "a", "é", "\U0001f600", "\x00", "\x7f", "\"", "\\", "/"]


def text(most=12):
    return "".join(gen.choice(PIECES) for _ in range(gen.randrange(most)))


def read(raw):
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8").read()


def document(s):
    s = s.strip()
    found = re.findall(r"<content>(.+?)</content>", s, re.DOTALL)
    if found:
        return found[0].strip()
    if "<content>" in s and "</content>" not in s:
        return s.split("<content>")[-1].strip()
    if "</content>" in s and "<content>" not in s:
        return s.split("</content>")[0].strip()
    return s


def number():
    kind = gen.randrange(6)
    if kind == 0:
        return str(gen.choice([0, -0, 1, -1, 10**gen.randrange(40), -gen.getrandbits(gen.randrange(1, 200))]))
    value = struct.unpack("<d", struct.pack("<Q", gen.getrandbits(64)))[0]
    if value != value or value in (float("inf"), float("-inf")):
        return gen.choice(["NaN", "Infinity", "-Infinity", "-0", "-0.0", "1e400", "-1E400", "1e-400"])
    if kind == 1:
        value = gen.choice([-1, 1]) * gen.random() * 10 ** gen.randrange(-8, 20)
    if kind == 2:
        return "%d.%0*de%d" % (gen.randrange(1000), gen.randrange(1, 30), gen.getrandbits(60), gen.randrange(-330, 320))
    return {3: "%.17g", 4: "%.25e", 5: "%.1f"}.get(kind, "%r") % value


def string():
    out = []
    for _ in range(gen.randrange(5)):
        out.append(gen.choice([json.dumps(text(4))[1:-1], json.dumps(text(4), ensure_ascii=False)[1:-1],
                               "\\ud800", "\\uDFff", "\\ud83d\\ude00", "\\/", "\\u00E9"]) if gen.random() < .9 else "x")
    return '"' + "".join(out) + '"'


def value(depth=0):
    kind = gen.randrange(8 if depth < 4 else 5)
    if kind < 2:
        return number()
    if kind < 4:
        return string()
    if kind == 4:
        return gen.choice(["null", "true", "false"])
    space = lambda: gen.choice(["", "", " ", "\n", "\t "])
    items = [value(depth + 1) for _ in range(gen.randrange(4))]
    if kind == 5:
        return "[" + ",".join(space() + item + space() for item in items) + "]"
    names = [gen.choice(['"a"', '"b"', '"\\u0061"', string()]) for _ in items]
    return "{" + ",".join(space() + n + space() + ":" + space() + i for n, i in zip(names, items)) + "}"


def written(make):
    try:
        return make().encode("utf-8").decode("utf-8")
    except (UnicodeEncodeError, ValueError):
        return None


def case_text():
    raw = text().encode()
    s = read(raw)
    return raw.hex(), [s, s.strip(), document(s), re.sub(r"<think>.*?</think>\s*", "", s, flags=re.DOTALL).strip()]


def case_json():
    source = value()
    parsed = json.loads(source)
    return source, [written(lambda: json.dumps(parsed, ensure_ascii=False)), json.dumps(parsed),
                    written(lambda: json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))),
                    written(lambda: json.dumps(parsed, ensure_ascii=False, indent=2))]


def case_random():
    bits = gen.choice([1, 8, 31, 32, 33, 64, 65, 500])
    seed = gen.choice([1, -1]) * gen.getrandbits(bits)
    n = gen.choice([0, 1, 2, gen.randrange(100), gen.randrange(2000)])
    k = gen.randrange(n + 1) if gen.random() < .5 else min(n, gen.randrange(12))
    random.seed(seed)
    rows = list(range(n))
    random.shuffle(rows)
    sample = random.sample(range(n), k)
    return [str(seed), n, k], [rows, sample, random.getrandbits(53), random.random().hex()]


def case_paths():
    part = lambda: "".join(gen.choice("aAbB -.&_é\U0001f600!~") for _ in range(gen.randrange(1, 4)))
    paths = {"/".join(p for p in (part() for _ in range(gen.randrange(1, 4))) if p not in (".", "..")) for _ in range(8)}
    paths = [p for p in paths if p]
    gen.shuffle(paths)
    return paths, [str(p) for p in sorted(PurePosixPath(p) for p in paths)]


def case_tree():
    names = ["A", "A B", "A-B", "a", "é", "x.d"]
    paths = {"/".join(gen.choice(names) for _ in range(gen.randrange(3))) + "/%d.txt" % gen.randrange(20) for _ in range(6)}
    tree = [[p.lstrip("/"), text().encode().hex()] for p in paths]
    seed = gen.getrandbits(gen.choice([1, 16, 70]))
    docs = []
    for path in sorted(PurePosixPath(p) for p, _ in tree):
        body = document(read(bytes.fromhex(dict(tree)[str(path)])))
        if body:
            docs.append({"text": body, "source": str(path), "domain": path.parts[0] if len(path.parts) > 1 else "root"})
    random.seed(seed)
    random.shuffle(docs)
    return [str(seed), tree], "".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs)


def case_chat():
    message = lambda: {"role": gen.choice(["user", "assistant", "system"]), "content": text(16)}
    row = {"messages": [message() for _ in range(gen.randrange(4))]}
    source = json.dumps(row, ensure_ascii=gen.random() < .5)
    for m in row["messages"]:
        if m["role"] == "assistant":
            m["content"] = re.sub(r"<think>.*?</think>\s*", "", m["content"], flags=re.DOTALL).strip()
    return source, json.dumps(row, ensure_ascii=False)


make = {"text": case_text, "json": case_json, "random": case_random, "paths": case_paths, "tree": case_tree,
        "chat": case_chat}[sys.argv[1]]
for _ in range(count):
    print(json.dumps(make()))
