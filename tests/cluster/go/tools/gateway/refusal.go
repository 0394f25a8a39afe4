package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// refusal is an answer of AWS that says no.
type refusal struct {
	status  int
	code    string
	message string
}

var credential = regexp.MustCompile(`Credential=([^/]*)/`)

// refuse knows the access key `test` and those that STS gives out (ASIA...), and the denied actions.
func refuse(service, action string, r *http.Request, denied string) *refusal {
	if action == "AssumeRoleWithWebIdentity" {
		return refuseToken(r)
	}
	key := accessKey(r)
	if key == "" && service == "s3" {
		return &refusal{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	if key != "test" && !strings.HasPrefix(key, "ASIA") {
		if service == "s3" {
			return &refusal{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
		}
		return &refusal{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
	}
	if isDenied(service, action, denied) {
		message := fmt.Sprintf("User: arn:aws:iam::000000000000:user/test is not authorized to perform: %s:%s because no identity-based policy allows the %s:%s action",
			service, action, service, action)
		return &refusal{http.StatusForbidden, "AccessDenied", message}
	}
	return nil
}

// refuseToken looks at the claims of a web identity token: it must have a subject, as every trust policy asks for one,
// and must not have expired. Nobody looks at its signature.
func refuseToken(r *http.Request) *refusal {
	form, err := url.ParseQuery(string(buffer(r)))
	parts := strings.Split(form.Get("WebIdentityToken"), ".")
	var claims struct {
		Subject string `json:"sub"`
		Expires int64  `json:"exp"`
	}
	if err != nil || len(parts) != 3 {
		return &refusal{http.StatusBadRequest, "InvalidIdentityToken", "The web identity token is not a JWT."}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return &refusal{http.StatusBadRequest, "InvalidIdentityToken", "The web identity token has no claims."}
	}
	if claims.Subject == "" {
		return &refusal{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	if claims.Expires < time.Now().Unix() {
		return &refusal{http.StatusBadRequest, "ExpiredTokenException", "Token expired."}
	}
	return nil
}

func accessKey(r *http.Request) string {
	if presigned := r.URL.Query().Get("X-Amz-Credential"); presigned != "" {
		key, _, _ := strings.Cut(presigned, "/")
		return key
	}
	if presigned := r.URL.Query().Get("AWSAccessKeyId"); presigned != "" {
		return presigned
	}
	if found := credential.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		return found[1]
	}
	return ""
}

func isDenied(service, action, file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for _, line := range strings.Fields(string(text)) {
		if line == service+":*" || line == service+":"+action {
			return true
		}
	}
	return false
}

func (r refusal) write(w http.ResponseWriter, service string) {
	if service == "sqs" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amzn-Query-Error", r.code+";Sender")
		w.WriteHeader(r.status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + r.code, "message": r.message})
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(r.status)
	if service == "sts" {
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, r.code, r.message)
		return
	}
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, r.code, r.message)
}
