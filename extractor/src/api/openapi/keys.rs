//! API keys.

use axum::http::Method;
use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::super::keys::{KeyBody, KeyList, ListQuery, MadeKey, NewKey};
use super::super::problem::Problem;
use super::KEY;
use super::operation::{Answer, Operation, Takes, body_problems};

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![create(schemas), list(schemas), revoke(schemas)]
}

fn create(schemas: &mut SchemaGenerator) -> Operation {
    let schema = json!(schemas.subschema_for::<NewKey>());
    let example = json!({"name": "accounting", "scopes": ["documents:write", "jobs:read"]});
    let mut made = key();
    made["key"] = "xk_0123456789abcdef...".into();
    let told = "The key, with its token: this is the only time that it is shown.";
    Operation {
        method: Method::POST,
        path: "/api/v1/keys",
        summary: "Make a key; it is shown once",
        description: "Give each client its own key with the scopes that it needs, so that it can be revoked alone. A key cannot make one with scopes that it lacks.",
        id: "",
        takes: Takes::Body("application/json", schema, example),
        answer: Answer {
            location: Some("The key: `/api/v1/keys/{id}`."),
            ..Answer::json::<MadeKey>(schemas, 201, told, &made)
        },
        problems: body_problems(),
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" -H \"Content-Type: application/json\" \\\n  -d '{\"name\":\"accounting\",\"scopes\":[\"documents:write\",\"jobs:read\"]}' $URL/api/v1/keys",
    }
}

fn list(schemas: &mut SchemaGenerator) -> Operation {
    let told = "A page of at most 100 keys.";
    Operation {
        method: Method::GET,
        path: "/api/v1/keys",
        summary: "All keys, oldest first, in pages",
        description: "Revoked keys are listed too; tokens never are. The admin key is not one of them.",
        id: "",
        takes: Takes::Query(ListQuery::json_schema(schemas)),
        answer: Answer::json::<KeyList>(schemas, 200, told, &json!({"keys": [key()]})),
        problems: vec![Problem::Invalid(
            "`after` must be the `next` of a page".into(),
        )],
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" $URL/api/v1/keys",
    }
}

fn revoke(schemas: &mut SchemaGenerator) -> Operation {
    let mut revoked = key();
    revoked["revoked_at"] = "2026-02-01T09:30:00.000Z".into();
    Operation {
        method: Method::DELETE,
        path: "/api/v1/keys/{id}",
        summary: "Revoke a key",
        description: "It is refused at once by the process that answers, and within 5 s by all others.",
        id: "The key's identifier: `id` of the answer that made it, not the key itself.",
        takes: Takes::Nothing,
        answer: Answer::json::<KeyBody>(
            schemas,
            200,
            "The key is revoked, now or before.",
            &revoked,
        ),
        problems: vec![Problem::NotFound("key")],
        curl: "curl -sS -X DELETE -H \"Authorization: Bearer $KEY\" $URL/api/v1/keys/$KEY_ID",
    }
}

fn key() -> Value {
    json!({
        "id": KEY, "name": "accounting", "scopes": ["documents:write", "jobs:read"],
        "created_at": "2026-01-31T12:00:00.000Z",
    })
}
