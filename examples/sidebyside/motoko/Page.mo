// A page with certified assets; the interface is examples/sidebyside/page/own.did and http_request.
import Array "mo:core/Array";
import Blob "mo:core/Blob";
import CertifiedData "mo:core/CertifiedData";
import Map "mo:core/pure/Map";
import Nat "mo:core/Nat";
import Nat8 "mo:core/Nat8";
import Principal "mo:core/Principal";
import Text "mo:core/Text";
import C "Certification";

actor {
  type Asset = { path : Text; below : Bool; content_type : Text; status : Nat16; body : Blob };
  type Header = (Text, Text);
  type Request = { method : Text; url : Text; headers : [Header]; body : Blob; certificate_version : ?Nat16 };
  type Response = { status_code : Nat16; headers : [Header]; body : Blob };
  // What a request asks for: the body, its headers alone, or whether it changed.
  type Role = { #get; #head; #notModified };

  stable var tree = C.leaf();
  // leaves are those of get, head and notModified.
  type Stored = { asset : Asset; etag : Text; leaves : [C.Path] };
  stable var assets = Map.empty<Text, Stored>();

  func key(path : C.Path) : Text {
    var k = "";
    for (name in path.vals()) { switch (Text.decodeUtf8(name)) { case (?t) { k #= "/" # t }; case null {} } };
    k
  };

  let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

  func etag(a : Asset) : Text {
    let body : Blob = if (a.body.size() == 0) { "" } else { C.sha256([a.body]) };
    let hash = Blob.toArray(C.sha256([Text.encodeUtf8(a.content_type), "\00\00", body]));
    var hex = "";
    for (b in Array.sliceToArray(hash, 0, 16).vals()) { hex #= digits[Nat8.toNat(b / 16)] # digits[Nat8.toNat(b % 16)] };
    "\"" # hex # "\""
  };

  func expression(role : Role) : Text {
    let asked = if (role == #notModified) { "\"if-none-match\"" } else { "" };
    "default_certification(ValidationArgs{certification:Certification{request_certification:RequestCertification{certified_request_headers:["
    # asked # "],certified_query_parameters:[]},response_certification:ResponseCertification{response_header_exclusions:ResponseHeaderList{headers:[]}}}})"
  };

  // response is without proof.
  func response(a : Asset, etag : Text, role : Role) : Response {
    let entity = [("content-type", a.content_type), ("content-length", Nat.toText(a.body.size()))];
    let headers = Array.flatten<Header>([
      [("Content-Security-Policy", "default-src 'self'"), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")],
      if (role == #notModified) { [] } else { entity },
      [("etag", etag), ("vary", "accept-encoding"), ("IC-CertificateExpression", expression(role))],
    ]);
    { status_code = if (role == #notModified) { 304 } else { a.status }; headers; body = if (role == #get) { a.body } else { "" } }
  };

  func leaf(a : Asset, etag : Text, role : Role) : C.Path {
    let r = response(a, etag, role);
    let asked = if (role == #notModified) { [("if-none-match", etag)] } else { [] };
    let request = C.requestHash(if (role == #head) { "HEAD" } else { "GET" }, asked);
    [C.sha256([Text.encodeUtf8(expression(role))]), request, C.responseHash(r.status_code, r.headers, r.body)]
  };

  public shared ({ caller }) func put(a : Asset) : async () {
    assert Principal.isController(caller) and Text.startsWith(a.path, #char '/');
    let roles : [Role] = if (a.status == 200) { [#get, #head, #notModified] } else { [#get, #head] };
    let tag = etag(a);
    let leaves = Array.map<Role, C.Path>(roles, func role = leaf(a, tag, role));
    var below = C.leaf();
    for (l in leaves.vals()) { below := C.put(below, l, 0, C.leaf()) };
    let path = C.expressionPath(a.path, a.below);
    tree := C.put(tree, path, 0, below);
    assets := Map.add(assets, Text.compare, key(path), { asset = a; etag = tag; leaves });
    CertifiedData.set(tree.hash);
  };

  func plain(status_code : Nat16, text : Text) : Response { { status_code; headers = []; body = Text.encodeUtf8(text) } };

  func answer(q : Request, s : Stored, path : C.Path, before : [C.Path]) : Response {
    let asked = func((name, value) : Header) : Bool { Text.toLower(name) == "if-none-match" and value == s.etag };
    let (role, index) : (Role, Nat) = switch (q.method) {
      case "GET" { if (s.asset.status == 200 and Array.find(q.headers, asked) != null) { (#notModified, 2) } else { (#get, 0) } };
      case "HEAD" { (#head, 1) };
      case _ { return plain(405, "GET or HEAD") };
    };
    let ?certificate = CertifiedData.getCertificate() else { return plain(500, "no certificate") };
    let r = response(s.asset, s.etag, role);
    let at = Array.concat(path, s.leaves[index]);
    { r with headers = Array.concat(r.headers, [("IC-Certificate", C.proof(certificate, tree, Array.concat(before, [at]), path))]) }
  };

  public query func http_request(q : Request) : async Response {
    let ?path = Text.split(q.url, #predicate(func c = c == '?' or c == '#')).next() else { return plain(400, "bad URL") };
    if (not Text.startsWith(path, #char '/') or Text.contains(path, #char '%')) { return plain(400, "bad URL") };
    var before : [C.Path] = [];
    for (p in C.candidates(path).vals()) {
      switch (Map.get(assets, Text.compare, key(p))) {
        case (?s) { return answer(q, s, p, before) };
        case null { before := Array.concat(before, [p]) };
      };
    };
    plain(404, "not found")
  };
};
