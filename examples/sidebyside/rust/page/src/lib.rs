//! A page with certified assets; the interface is examples/sidebyside/page/own.did and http_request.

use candid::{CandidType, Decode, Encode};
use ic_cdk::api::{certified_data_set, data_certificate, is_controller, msg_caller};
use ic_cdk::{post_upgrade, query, update};
use ic_http_certification::utils::add_v2_certificate_header;
use ic_http_certification::{
    DefaultCelBuilder, DefaultFullCelExpression, DefaultResponseCertification, HttpCertification, HttpCertificationPath,
    HttpCertificationTree, HttpCertificationTreeEntry, HttpRequest, HttpResponse, Method, StatusCode,
    CERTIFICATE_EXPRESSION_HEADER_NAME,
};
use ic_stable_structures::{DefaultMemoryImpl, StableBTreeMap};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;

#[derive(CandidType, Deserialize)]
struct Asset {
    path: String,
    below: bool,
    content_type: String,
    status: u16,
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
}

/// What a request asks for: the body, its headers alone, or whether it changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Get,
    Head,
    NotModified,
}

/// The hashes that the certified tree holds. An upgrade makes them anew.
#[derive(Default)]
struct Certified {
    tree: HttpCertificationTree,
    leaves: HashMap<(String, Role), HttpCertification>,
}

thread_local! {
    static ASSETS: RefCell<StableBTreeMap<String, Vec<u8>, DefaultMemoryImpl>> =
        RefCell::new(StableBTreeMap::init(DefaultMemoryImpl::default()));
    static CERTIFIED: RefCell<Certified> = RefCell::default();
}

fn expression_path(path: &str, below: bool) -> HttpCertificationPath<'_> {
    if below {
        HttpCertificationPath::wildcard(path)
    } else {
        HttpCertificationPath::exact(path)
    }
}

fn expression(role: Role) -> DefaultFullCelExpression<'static> {
    DefaultCelBuilder::full_certification()
        .with_request_headers(if role == Role::NotModified { vec!["if-none-match"] } else { vec![] })
        .with_response_certification(DefaultResponseCertification::response_header_exclusions(vec![]))
        .build()
}

fn key(path: &str, below: bool) -> String {
    format!("{}{path}", if below { '*' } else { '$' })
}

impl Asset {
    fn etag(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.content_type);
        hash.update([0, 0]);
        if !self.body.is_empty() {
            hash.update(Sha256::digest(&self.body));
        }
        let hex: String = hash.finalize()[..16].iter().map(|b| format!("{b:02x}")).collect();
        format!("\"{hex}\"")
    }

    /// The response in a role, without proof.
    fn response(&self, role: Role, etag: &str) -> HttpResponse<'static> {
        let mut headers = vec![
            ("Content-Security-Policy".to_string(), "default-src 'self'".to_string()),
            ("Cache-Control".to_string(), "no-cache".to_string()),
            ("X-Content-Type-Options".to_string(), "nosniff".to_string()),
        ];
        let mut add = |name: &str, value: &str| headers.push((name.into(), value.into()));
        if role != Role::NotModified {
            add("content-type", &self.content_type);
            add("content-length", &self.body.len().to_string());
        }
        add("etag", etag);
        add("vary", "accept-encoding");
        add(CERTIFICATE_EXPRESSION_HEADER_NAME, &expression(role).to_string());
        let status = if role == Role::NotModified { 304 } else { self.status };
        let body = if role == Role::Get { self.body.clone() } else { vec![] };
        HttpResponse::builder()
            .with_status_code(StatusCode::from_u16(status).unwrap())
            .with_headers(headers)
            .with_body(body)
            .build()
    }

    fn certify(&self, role: Role, etag: &str) -> HttpCertification {
        let mut request = match role {
            Role::Head => HttpRequest::builder().with_method(Method::HEAD).with_url("/"),
            _ => HttpRequest::get("/"),
        };
        if role == Role::NotModified {
            request = request.with_headers(vec![("if-none-match".into(), etag.into())]);
        }
        HttpCertification::full(&expression(role), &request.build(), &self.response(role, etag), None).unwrap()
    }
}

impl Certified {
    fn put(&mut self, a: &Asset) {
        let (path, key) = (expression_path(&a.path, a.below), key(&a.path, a.below));
        let etag = a.etag();
        self.tree.delete_by_path(&path);
        for role in [Role::Get, Role::Head, Role::NotModified] {
            self.leaves.remove(&(key.clone(), role));
            if role == Role::NotModified && a.status != 200 {
                continue;
            }
            let leaf = a.certify(role, &etag);
            self.tree.insert(&HttpCertificationTreeEntry::new(&path, &leaf));
            self.leaves.insert((key.clone(), role), leaf);
        }
    }
}

#[post_upgrade]
fn certify_all() {
    CERTIFIED.with_borrow_mut(|c| {
        ASSETS.with_borrow(|all| all.iter().for_each(|e| c.put(&Decode!(&e.value(), Asset).unwrap())));
        certified_data_set(c.tree.root_hash());
    });
}

#[update]
fn put(a: Asset) {
    assert!(is_controller(&msg_caller()), "only a controller of this canister may do that");
    assert!(a.path.starts_with('/'), "a path begins with /");
    CERTIFIED.with_borrow_mut(|c| {
        c.put(&a);
        certified_data_set(c.tree.root_hash());
    });
    ASSETS.with_borrow_mut(|all| all.insert(key(&a.path, a.below), Encode!(&a).unwrap()));
}

/// The asset for a path: its own, or that of the nearest path above which answers below.
fn find(path: &str) -> Option<Asset> {
    ASSETS.with_borrow(|all| {
        let mut keys = vec![key(path, false), key(path, true)];
        for (i, _) in path.rmatch_indices('/') {
            keys.extend([key(&path[..=i], true), key(&path[..i], true)]);
        }
        keys.iter().find_map(|k| all.get(k)).map(|a| Decode!(&a, Asset).unwrap())
    })
}

#[query]
fn http_request(request: HttpRequest) -> HttpResponse<'static> {
    let error = |status, text: &[u8]| HttpResponse::builder().with_status_code(status).with_body(text.to_vec()).build();
    let Ok(path) = request.get_path() else {
        return error(StatusCode::BAD_REQUEST, b"bad URL");
    };
    let Some(a) = find(&path) else {
        return error(StatusCode::NOT_FOUND, b"not found");
    };
    let etag = a.etag();
    let asked = |(name, value): &(String, String)| name.eq_ignore_ascii_case("if-none-match") && *value == etag;
    let role = match request.method().as_str() {
        "GET" if a.status == 200 && request.headers().iter().any(asked) => Role::NotModified,
        "GET" => Role::Get,
        "HEAD" => Role::Head,
        _ => return error(StatusCode::METHOD_NOT_ALLOWED, b"GET or HEAD"),
    };
    let Some(certificate) = data_certificate() else {
        return error(StatusCode::INTERNAL_SERVER_ERROR, b"no certificate");
    };
    let mut response = a.response(role, &etag);
    CERTIFIED.with_borrow(|c| {
        let at = expression_path(&a.path, a.below);
        let leaf = c.leaves[&(key(&a.path, a.below), role)];
        let witness = c.tree.witness(&HttpCertificationTreeEntry::new(&at, leaf), &path).unwrap();
        add_v2_certificate_header(&certificate, &mut response, &witness, &at.to_expr_path());
    });
    response
}
