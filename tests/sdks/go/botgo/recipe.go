// Package main is a recipe for QQ's SDK for bots, for Go.
package main

import (
	"os"
	"time"

	"github.com/tencent-connect/botgo"
	"golang.org/x/oauth2"
)

type mountedToken struct{}

func (mountedToken) Token() (*oauth2.Token, error) {
	token, err := os.ReadFile("/token/access_token")
	return &oauth2.Token{AccessToken: string(token), TokenType: "QQBot"}, err
}

var api = botgo.NewOpenAPI("102000000", mountedToken{}).WithTimeout(5 * time.Second)
