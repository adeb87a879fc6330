// Package main is a recipe for chanxuehong/wechat, for official accounts.
package main

import (
	"os"

	"github.com/chanxuehong/wechat/mp/core"
)

// The embedded interface is nil, and there for a method that marks token servers.
type mountedToken struct{ core.AccessTokenServer }

func (mountedToken) Token() (string, error) {
	token, err := os.ReadFile("/token/access_token")
	return string(token), err
}

// Called when a token was refused: by then the file may hold a newer one.
func (server mountedToken) RefreshToken(string) (string, error) {
	return server.Token()
}

var client = core.NewClient(mountedToken{}, nil)
