// Package main is a recipe for PowerWeChat, for WeCom.
package main

import (
	"os"

	"github.com/ArtisanCloud/PowerLibs/v3/object"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"
)

// Called when a token was refused, too: by then the file may hold a newer one.
func mountedToken(_ string, _ bool) object.HashMap {
	values := object.HashMap{"expires_in": 7200.0} // Needed, and not used.
	if token, err := os.ReadFile("/token/access_token"); err == nil {
		values["access_token"] = string(token)
	}
	return values
}

func newWork() (*work.Work, error) {
	app, err := work.NewWork(&work.UserConfig{
		CorpID: "ww0123456789abcdef",
		OAuth:  work.OAuth{Callback: "https://shop.example.com/login"}, // Must be a URL.
		Log:    work.Log{Level: "error", Stdout: true},
	})
	if err == nil {
		app.AccessToken.GetCustomToken = mountedToken
	}
	return app, err
}
