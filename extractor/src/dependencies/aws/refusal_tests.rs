use super::*;

const SEND: Call<'_> = Call {
    action: "sqs:SendMessage",
    kind: "queue",
    name: "invoices",
    region: "eu-west-1",
    endpoint: None,
    caller: Caller::Keys,
};
const LIST: Call<'_> = Call {
    action: "s3:ListBucket",
    kind: "bucket",
    name: "acme",
    ..SEND
};
const ROLE: &str = "arn:aws:iam::123456789012:role/invoices";

fn fault(code: &str, status: u16, call: Call<'_>) -> Fault {
    let refusal = Refusal {
        code: Some(code).filter(|code| !code.is_empty()),
        status,
        region: None,
    };
    refusal.fault(call)
}

#[track_caller]
fn assert_told(fault: &Fault, reason: &str, words: &[&str]) {
    assert_eq!(fault.reason, reason, "{fault}");
    for word in words {
        assert!(fault.message.contains(word), "{word}: {fault}");
    }
}

#[test]
fn each_code_about_the_keys_names_the_keys_of_the_secret_and_stops_every_action() {
    const SECRET: &str = "in the Secret of `aws.credentialsSecretRef`";
    for (code, status, key) in [
        ("InvalidAccessKeyId", 403, "correct `AWS_ACCESS_KEY_ID`"),
        ("InvalidClientTokenId", 403, "correct `AWS_ACCESS_KEY_ID`"),
        ("AuthFailure", 401, "correct `AWS_ACCESS_KEY_ID`"),
        (
            "SignatureDoesNotMatch",
            403,
            "correct `AWS_SECRET_ACCESS_KEY`",
        ),
        (
            "InvalidSignatureException",
            400,
            "correct `AWS_SECRET_ACCESS_KEY`",
        ),
        ("InvalidToken", 400, "correct `AWS_SESSION_TOKEN`"),
    ] {
        for call in [SEND, LIST] {
            let fault = fault(code, status, call);
            assert_told(&fault, code, &[call.action, key, SECRET]);
            assert!(!fault.message.contains("policy"), "{fault}");
            assert!(!fault.is_of_one_action, "{code}");
        }
    }
    let unknown = "com.amazon.coral.service#UnrecognizedClientException";
    let words = ["does not know the access key", "AWS_ACCESS_KEY_ID"];
    assert_told(
        &fault(unknown, 400, SEND),
        "UnrecognizedClientException",
        &words,
    );
    for code in ["ExpiredToken", "ExpiredTokenException"] {
        let words = [
            "has expired",
            "new `AWS_ACCESS_KEY_ID`",
            "AWS_SESSION_TOKEN",
        ];
        assert_told(&fault(code, 400, SEND), code, &words);
    }
    assert_told(
        &fault("RequestTimeTooSkewed", 403, LIST),
        "RequestTimeTooSkewed",
        &["clock"],
    );
}

#[test]
fn keys_that_a_role_was_given_are_not_looked_for_in_a_secret() {
    let call = Call {
        caller: Caller::Role(ROLE),
        ..SEND
    };
    let told = fault("InvalidClientTokenId", 403, call);
    assert_told(
        &told,
        "InvalidClientTokenId",
        &[ROLE, "region eu-west-1 enabled"],
    );
    assert!(!told.message.contains("Secret"), "{told}");
}

#[test]
fn a_missing_permission_is_named_with_whose_policy_lacks_it() {
    for (code, reason) in [
        ("AccessDenied", "AccessDenied"),
        ("AccessDeniedException", "AccessDeniedException"),
        ("", "AccessDenied"),
    ] {
        let told = fault(code, 403, SEND);
        let words = [
            "sqs:SendMessage denied on queue invoices",
            "policy of the IAM user",
        ];
        assert_told(&told, reason, &words);
        assert!(told.is_of_one_action);
    }
    let call = Call {
        caller: Caller::Role(ROLE),
        ..LIST
    };
    let words = [
        "s3:ListBucket denied on bucket acme",
        "policy of role arn:aws:iam::1",
    ];
    assert_told(&fault("AccessDenied", 403, call), "AccessDenied", &words);
    let told = fault("KMS.AccessDeniedException", 400, SEND);
    assert_told(
        &told,
        "KMSAccessDeniedException",
        &["kms:Decrypt", "queue invoices"],
    );
}

#[test]
fn a_queue_or_bucket_that_is_not_there_is_named_with_its_settings() {
    for (code, reason) in [
        (
            "AWS.SimpleQueueService.NonExistentQueue",
            "NonExistentQueue",
        ),
        ("com.amazonaws.sqs#QueueDoesNotExist", "QueueDoesNotExist"),
    ] {
        let words = [
            "no queue invoices in region eu-west-1",
            "`queue.name`",
            "`aws.region`",
        ];
        assert_told(&fault(code, 400, SEND), reason, &words);
    }
    for code in ["NoSuchBucket", "NotFound", ""] {
        assert_told(
            &fault(code, 404, LIST),
            "NoSuchBucket",
            &["bucket acme", "`storage.bucket`"],
        );
    }
}

#[test]
fn a_bucket_in_another_region_is_told_with_that_region() {
    let elsewhere = |code, status| Refusal {
        code,
        status,
        region: Some("us-east-1"),
    };
    for (code, status, reason) in [
        (Some("PermanentRedirect"), 301, "PermanentRedirect"),
        (None, 301, "PermanentRedirect"),
        (
            Some("AuthorizationHeaderMalformed"),
            400,
            "AuthorizationHeaderMalformed",
        ),
        (None, 400, "AuthorizationHeaderMalformed"),
    ] {
        let told = elsewhere(code, status).fault(LIST);
        assert_told(
            &told,
            reason,
            &["not in region eu-west-1", "set `aws.region` to us-east-1"],
        );
    }
    let untold = fault("AuthorizationHeaderMalformed", 400, LIST);
    assert_told(
        &untold,
        "AuthorizationHeaderMalformed",
        &["`aws.region`", "bucket's region"],
    );
}

#[test]
fn load_and_unknown_codes_are_told_as_they_are() {
    assert_told(&fault("SlowDown", 503, LIST), "Throttled", &["slow down"]);
    assert_told(
        &fault("", 500, SEND),
        "ServiceError",
        &["status 500", "AWS in region eu-west-1"],
    );
    assert_told(
        &fault("Odd-Code", 403, SEND),
        "OddCode",
        &["Odd-Code", "status 403"],
    );
    assert_told(&fault("1", 400, SEND), "Refused", &["status 400"]);
}
