// Go's net/http with go-macaroon: signatures alone. Its conditions are only passed over, which favours it.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	macaroon "gopkg.in/macaroon.v2"
)

type request struct {
	Token   string          `json:"token"`
	Context json.RawMessage `json:"context"`
}

func main() {
	port := os.Args[1]
	length, _ := strconv.Atoi(os.Args[2])
	key, _ := hex.DecodeString(os.Args[3])
	filler := strings.Repeat("x", length-28)
	answer := []byte(`{"allowed":true,"filler":"` + filler + `"}`)
	pass := func(string) error { return nil }

	http.HandleFunc("/v1/verify", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var asked request
		if err != nil || json.Unmarshal(body, &asked) != nil {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		bytes, err := base64.RawURLEncoding.DecodeString(asked.Token)
		var m macaroon.Macaroon
		if err != nil || m.UnmarshalBinary(bytes) != nil || m.Verify(key, pass, nil) != nil {
			http.Error(w, "{}", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.Write(answer)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stderr, "ready at "+port)
	panic(http.Serve(listener, nil))
}
