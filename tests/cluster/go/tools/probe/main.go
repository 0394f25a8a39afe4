// Command probe is the tests' pod: it looks up names, dials, fetches and serves, and says what happened in one line.
// Busybox's static wget crashes in name lookup, so tests ask this program instead.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

const limit = 3 * time.Second

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: probe lookup NAME | dial HOST:PORT | get URL | serve ADDRESS")
		os.Exit(2)
	}
	answer, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer)
}

func run(what, target string) (string, error) {
	switch what {
	case "lookup":
		addresses, err := net.LookupHost(target)
		return fmt.Sprint(addresses), err
	case "dial":
		connection, err := net.DialTimeout("tcp", target, limit)
		if err != nil {
			return "", err
		}
		return "connected", connection.Close()
	case "get":
		return get(target)
	case "serve":
		return "", http.ListenAndServe(target, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _ := os.Hostname()
			fmt.Fprintln(w, host, r.Method, r.URL.Path)
		}))
	}
	return "", fmt.Errorf("probe: unknown command %q", what)
}

func get(url string) (string, error) {
	client := http.Client{Timeout: limit, Transport: &http.Transport{
		// Tests of reachability, not of identity.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	return fmt.Sprintf("%d %s", response.StatusCode, body), err
}
