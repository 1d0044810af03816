// Version 2 of response verification by hand: SHA-256, the certified hash tree with its
// witnesses, and the hashes of requests and responses.
import Array "mo:core/Array";
import Base64 "mo:core/Base64";
import Blob "mo:core/Blob";
import List "mo:core/List";
import Nat8 "mo:core/Nat8";
import Nat16 "mo:core/Nat16";
import Nat32 "mo:core/Nat32";
import Text "mo:core/Text";
import VarArray "mo:core/VarArray";

module {
  let k : [Nat32] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
  ];

  public func sha256(parts : [Blob]) : Blob {
    var size = 0;
    for (p in parts.vals()) { size += p.size() };
    let words = VarArray.repeat<Nat32>(0, (size + 72) / 64 * 16);
    var at = 0;
    func byte(b : Nat32) {
      words[at / 4] |= b << Nat32.fromNat(24 - at % 4 * 8);
      at += 1;
    };
    for (p in parts.vals()) { for (b in p.vals()) { byte(Nat32.fromNat(Nat8.toNat(b))) } };
    byte(0x80);
    words[words.size() - 1] := Nat32.fromNat(size * 8);
    let h : [var Nat32] = [var 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
    let w = VarArray.repeat<Nat32>(0, 64);
    var block = 0;
    while (block < words.size()) {
      var i = 0;
      while (i < 16) { w[i] := words[block + i]; i += 1 };
      while (i < 64) {
        let x = w[i - 15];
        let y = w[i - 2];
        w[i] := w[i - 16] +% ((x <>> 7) ^ (x <>> 18) ^ (x >> 3)) +% w[i - 7] +% ((y <>> 17) ^ (y <>> 19) ^ (y >> 10));
        i += 1;
      };
      var a = h[0]; var b = h[1]; var c = h[2]; var d = h[3];
      var e = h[4]; var f = h[5]; var g = h[6]; var z = h[7];
      i := 0;
      while (i < 64) {
        let t = z +% ((e <>> 6) ^ (e <>> 11) ^ (e <>> 25)) +% ((e & f) ^ (^e & g)) +% k[i] +% w[i];
        let u = ((a <>> 2) ^ (a <>> 13) ^ (a <>> 22)) +% ((a & b) ^ (a & c) ^ (b & c));
        z := g; g := f; f := e; e := d +% t;
        d := c; c := b; b := a; a := t +% u;
        i += 1;
      };
      h[0] +%= a; h[1] +%= b; h[2] +%= c; h[3] +%= d;
      h[4] +%= e; h[5] +%= f; h[6] +%= g; h[7] +%= z;
      block += 16;
    };
    let out = List.empty<Nat8>();
    for (x in h.vals()) {
      let (b0, b1, b2, b3) = Nat32.explode(x);
      List.add(out, b0); List.add(out, b1); List.add(out, b2); List.add(out, b3);
    };
    Blob.fromArray(List.toArray(out))
  };

  // A tree without entries is a leaf that holds nothing; hash is that of the labelled tree
  // in an entry, entries are in the order of their labels.
  public type Tree = { hash : Blob; entries : [Entry] };
  public type Entry = { name : Blob; hash : Blob; tree : Tree };
  public type Path = [Blob];

  public func leaf() : Tree { { hash = sha256(["\10ic-hashtree-leaf"]); entries = [] } };

  func join(entries : [Entry], from : Nat, to : Nat) : Blob {
    if (to - from == 1) { return entries[from].hash };
    let middle = (from + to) / 2;
    sha256(["\10ic-hashtree-fork", join(entries, from, middle), join(entries, middle, to)])
  };

  // position is that of the first entry whose name is not smaller.
  func position(entries : [Entry], name : Blob) : Nat {
    var i = 0;
    while (i < entries.size() and entries[i].name < name) { i += 1 };
    i
  };

  func has(entries : [Entry], i : Nat, name : Blob) : Bool { i < entries.size() and entries[i].name == name };

  // put sets what stands at a path, whose first labels lead to t.
  public func put(t : Tree, path : Path, at : Nat, value : Tree) : Tree {
    if (at == path.size()) { return value };
    let name = path[at];
    let i = position(t.entries, name);
    let found = has(t.entries, i, name);
    let below = put(if found { t.entries[i].tree } else { leaf() }, path, at + 1, value);
    let entry = { name; tree = below; hash = sha256(["\13ic-hashtree-labeled", name, below.hash]) };
    let rest = if found { i + 1 } else { i };
    let entries = Array.concat(Array.concat(Array.sliceToArray(t.entries, 0, i), [entry]), Array.sliceToArray(t.entries, rest, t.entries.size()));
    { hash = join(entries, 0, entries.size()); entries }
  };

  type Bytes = List.List<Nat8>;

  func addAll(out : Bytes, bytes : Blob) { for (b in bytes.vals()) { List.add(out, b) } };

  // addText writes CBOR's head of a text (0x60) or of bytes (0x40), and these.
  func addText(out : Bytes, major : Nat8, bytes : Blob) {
    let n = bytes.size();
    if (n < 24) {
      List.add(out, major + Nat8.fromNat(n));
    } else if (n < 256) {
      List.add(out, major + 24); List.add(out, Nat8.fromNat(n));
    } else {
      List.add(out, major + 25); List.add(out, Nat8.fromNat(n / 256)); List.add(out, Nat8.fromNat(n % 256));
    };
    addAll(out, bytes);
  };

  func addPruned(out : Bytes, hash : Blob) { addAll(out, "\82\04"); addText(out, 0x40, hash) };

  // addTree writes t with all paths, whose first labels lead to t, and for those that are
  // not in it the entries before and after.
  func addTree(out : Bytes, t : Tree, paths : [Path], at : Nat) {
    let n = t.entries.size();
    if (n == 0) { return addAll(out, "\82\03\40") };
    let wanted = VarArray.repeat<Bool>(false, n);
    for (p in paths.vals()) {
      let i = position(t.entries, p[at]);
      if (i < n) { wanted[i] := true };
      if (i > 0 and not has(t.entries, i, p[at])) { wanted[i - 1] := true };
    };
    func range(from : Nat, to : Nat) {
      var any = false;
      var i = from;
      while (i < to) { any := any or wanted[i]; i += 1 };
      if (not any) { return addPruned(out, join(t.entries, from, to)) };
      if (to - from > 1) {
        addAll(out, "\83\01");
        range(from, (from + to) / 2);
        return range((from + to) / 2, to);
      };
      let e = t.entries[from];
      addAll(out, "\83\02");
      addText(out, 0x40, e.name);
      let below = Array.filter<Path>(paths, func p = p[at] == e.name);
      if (below.size() == 0) { addPruned(out, e.tree.hash) } else { addTree(out, e.tree, below, at + 1) };
    };
    range(0, n);
  };

  // proof is the value of the certificate's header.
  public func proof(certificate : Blob, t : Tree, paths : [Path], answer : Path) : Text {
    let tree = List.empty<Nat8>();
    addAll(tree, "\D9\D9\F7");
    addTree(tree, t, paths, 0);
    let path = List.empty<Nat8>();
    addAll(path, "\D9\D9\F7");
    List.add(path, 0x80 + Nat8.fromNat(answer.size())); // at most 23 labels
    for (name in answer.vals()) { addText(path, 0x60, name) };
    func text(b : Bytes) : Text { Base64.encode(Blob.fromArray(List.toArray(b))) };
    "certificate=:" # Base64.encode(certificate) # ":, tree=:" # text(tree) # ":, expr_path=:" # text(path) # ":, version=2"
  };

  func fields(all : [(Text, Blob)], body : Blob) : Blob {
    let pairs = Array.map<(Text, Blob), Blob>(all, func((name, value)) {
      Blob.fromArray(Array.concat(Blob.toArray(sha256([Text.encodeUtf8(Text.toLower(name))])), Blob.toArray(sha256([value]))))
    });
    sha256([sha256(Array.sort(pairs, Blob.compare)), sha256([body])])
  };

  func encoded(headers : [(Text, Text)]) : [(Text, Blob)] {
    Array.map<(Text, Text), (Text, Blob)>(headers, func((name, value)) { (name, Text.encodeUtf8(value)) })
  };

  public func requestHash(method : Text, headers : [(Text, Text)]) : Blob {
    fields(Array.concat(encoded(headers), [(":ic-cert-method", Text.encodeUtf8(method))]), "")
  };

  public func responseHash(status : Nat16, headers : [(Text, Text)], body : Blob) : Blob {
    let leb = Blob.fromArray([Nat8.fromNat(Nat16.toNat(status % 128 + 128)), Nat8.fromNat(Nat16.toNat(status / 128))]);
    fields(Array.concat(encoded(headers), [(":ic-cert-status", leb)]), body)
  };

  func segments(path : Text) : [Text] {
    let all = Array.filter<Text>(Array.fromIter(Text.split(path, #char '/')), func s = s != "");
    if (Text.endsWith(path, #char '/')) { Array.concat(all, [""]) } else { all }
  };

  func labels(all : [Text], last : Text) : Path {
    Array.map<Text, Blob>(Array.flatten([["http_expr"], all, [last]]), Text.encodeUtf8)
  };

  public func expressionPath(path : Text, below : Bool) : Path { labels(segments(path), if below { "<*>" } else { "<$>" }) };

  // candidates may answer for a path: the first that is in the tree does.
  public func candidates(path : Text) : [Path] {
    let out = List.empty<Path>();
    var s = segments(path);
    List.add(out, labels(s, "<$>"));
    loop {
      List.add(out, labels(s, "<*>"));
      if (s.size() == 0) { return List.toArray(out) };
      let before = Array.sliceToArray(s, 0, s.size() - 1 : Nat);
      s := if (s[s.size() - 1] == "") { before } else { Array.concat(before, [""]) };
    };
  };
};
