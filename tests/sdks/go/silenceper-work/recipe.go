// Package main is a recipe for silenceper/wechat, for WeCom.
package main

import (
	"os"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/work"
	"github.com/silenceper/wechat/v2/work/config"
)

type mountedToken struct{}

func (mountedToken) GetAccessToken() (string, error) {
	token, err := os.ReadFile("/token/access_token")
	return string(token), err
}

func newWork() *work.Work {
	app := work.NewWork(&config.Config{
		CorpID: "ww0123456789abcdef",
		Cache:  cache.NewMemory(),
	})
	app.GetContext().AccessTokenHandle = mountedToken{}
	return app
}
