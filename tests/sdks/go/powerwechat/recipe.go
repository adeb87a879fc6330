// Package main is a recipe for PowerWeChat, for official accounts.
package main

import (
	"os"

	"github.com/ArtisanCloud/PowerLibs/v3/object"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount"
)

// Called when a token was refused, too: by then the file may hold a newer one.
func mountedToken(_ string, _ bool) object.HashMap {
	values := object.HashMap{"expires_in": 7200.0} // Needed, and not used.
	if token, err := os.ReadFile("/token/access_token"); err == nil {
		values["access_token"] = string(token)
	}
	return values
}

func newOfficialAccount() (*officialAccount.OfficialAccount, error) {
	account, err := officialAccount.NewOfficialAccount(&officialAccount.UserConfig{
		AppID: "wx0123456789abcdef",
		Log:   officialAccount.Log{Level: "error", Stdout: true},
	})
	if err == nil {
		account.AccessToken.GetCustomToken = mountedToken
	}
	return account, err
}
