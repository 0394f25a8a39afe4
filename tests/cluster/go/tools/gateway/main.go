// Command gateway is the one AWS endpoint of the local cluster: it sends SQS and STS calls to one emulator and S3 calls to
// another, so that each can be stopped alone, and refuses as AWS does what an emulator would let pass.
//
// A request whose emulator is down gets no answer: its connection is closed, as by a host that is gone.
package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	listen := flag.String("listen", "", "comma-separated addresses to listen on")
	sqs := flag.String("sqs", "", "emulator of SQS and STS")
	s3 := flag.String("s3", "", "emulator of S3")
	denied := flag.String("denied", "", "file of denied actions, one per line (sqs:SendMessage, s3:*); read at every request")
	flag.Parse()

	handler := gateway{queue: proxy(*sqs), objects: proxy(*s3), denied: *denied}
	server := http.Server{Handler: handler}
	for _, address := range strings.Split(*listen, ",") {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			if err := server.Serve(listener); err != http.ErrServerClosed {
				log.Fatal(err)
			}
		}()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	<-ctx.Done()
	_ = server.Close()
}

type gateway struct {
	queue, objects http.Handler
	denied         string
}

func (g gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, action := classify(r)
	if refusal := refuse(service, action, r, g.denied); refusal != nil {
		refusal.write(w, service)
		return
	}
	if service == "s3" {
		g.objects.ServeHTTP(w, r)
	} else {
		g.queue.ServeHTTP(w, r)
	}
}

// classify tells service and action as IAM names them.
func classify(r *http.Request) (service, action string) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		buffer(r)
		_, action, _ = strings.Cut(target, ".")
		return "sqs", action
	}
	if r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(buffer(r))); err == nil && form.Get("Action") != "" {
			if strings.HasPrefix(form.Get("Action"), "AssumeRole") || form.Get("Action") == "GetCallerIdentity" {
				return "sts", form.Get("Action")
			}
			return "sqs", form.Get("Action")
		}
	}
	return "s3", objectAction(r)
}

// buffer reads the body to its end before it is passed on. Streamed, an answer that comes before the proxy has seen the
// end of the body breaks the connection: messages were received by nobody, or sent twice.
func buffer(r *http.Request) []byte {
	body, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

func objectAction(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case key == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return "ListBucket"
	case key == "":
		return "CreateBucket"
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return "GetObject"
	case r.Method == http.MethodDelete:
		return "DeleteObject"
	default:
		return "PutObject"
	}
}

func proxy(target string) http.Handler {
	backend, err := url.Parse(target)
	if err != nil {
		log.Fatal(err)
	}
	return &httputil.ReverseProxy{
		// The Host header stays as the client signed it.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}
