package main

import (
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/config"

	"sdks/calls"
)

func main() {
	account := newAccount()
	app := miniprogram.NewMiniProgram(&config.Config{
		AppID: "wx0123456789abcdef",
		Cache: cache.NewMemory(),
	})
	app.SetAccessTokenHandle(mountedToken{})
	calls.OnEachLine(func() error {
		if _, err := account.GetBasic().GetAPIDomainIP(); err != nil {
			return err
		}
		_, err := app.GetSubscribe().ListTemplates()
		return err
	})
}
