// Package main is a recipe for go-workwx, for WeCom.
package main

import (
	"context"
	"os"

	"github.com/xen0n/go-workwx"
)

type mountedToken struct{}

func (mountedToken) GetToken(context.Context) (string, error) {
	token, err := os.ReadFile("/token/access_token")
	return string(token), err
}

var corp = workwx.New("ww0123456789abcdef", workwx.WithAccessTokenProvider(mountedToken{}))
var app = corp.WithApp("", 1000002)
