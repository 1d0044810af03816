// Certified data and HTTP: a page, one that needs an update, and a body in parts.
import Blob "mo:core/Blob";
import CertifiedData "mo:core/CertifiedData";
import Nat "mo:core/Nat";
import Text "mo:core/Text";

persistent actor self {
  type Header = (Text, Text);
  type Request = { method : Text; url : Text; headers : [Header]; body : Blob };
  type Token = { part : Nat };
  type Part = { body : Blob; token : ?Token };
  type Response = {
    status_code : Nat16;
    headers : [Header];
    body : Blob;
    upgrade : ?Bool;
    streaming_strategy : ?{ #Callback : { token : Token; callback : shared query Token -> async Part } };
  };

  var posts = 0;

  public func certify(data : Blob) : async () { CertifiedData.set(data) };
  public query func certificate() : async ?Blob { CertifiedData.getCertificate() };
  public func certificateInUpdate() : async ?Blob { CertifiedData.getCertificate() };

  func answer(status_code : Nat16, text : Text) : Response = {
    status_code;
    headers = [("content-type", "text/plain")];
    body = Text.encodeUtf8(text);
    upgrade = null;
    streaming_strategy = null;
  };

  public query func http_request(r : Request) : async Response {
    if (r.method == "POST") { return { answer(200, "") with upgrade = ?true } };
    switch (r.url) {
      case ("/") answer(200, "posts: " # Nat.toText(posts));
      case ("/parts") {
        { answer(200, "part 0,") with streaming_strategy = ?#Callback({ token = { part = 1 }; callback = self.more }) }
      };
      case _ answer(404, "nothing at " # r.url);
    }
  };

  public func http_request_update(r : Request) : async Response {
    posts += r.body.size();
    answer(201, "posts: " # Nat.toText(posts))
  };

  public query func more(token : Token) : async Part {
    {
      body = Text.encodeUtf8("part " # Nat.toText(token.part) # ",");
      token = if (token.part < 3) ?{ part = token.part + 1 } else null;
    }
  };
};
