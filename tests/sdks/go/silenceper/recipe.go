// Package main is a recipe for silenceper/wechat, for official accounts.
package main

import (
	"os"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/config"
)

type mountedToken struct{}

func (mountedToken) GetAccessToken() (string, error) {
	token, err := os.ReadFile("/token/access_token")
	return string(token), err
}

func newAccount() *officialaccount.OfficialAccount {
	account := officialaccount.NewOfficialAccount(&config.Config{
		AppID: "wx0123456789abcdef",
		Cache: cache.NewMemory(),
	})
	account.SetAccessTokenHandle(mountedToken{})
	return account
}
