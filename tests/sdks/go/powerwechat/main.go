package main

import (
	"context"
	"fmt"
	"log"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/miniProgram"

	"sdks/calls"
)

func main() {
	account, err := newOfficialAccount()
	if err != nil {
		log.Fatal(err)
	}
	app, err := miniProgram.NewMiniProgram(&miniProgram.UserConfig{
		AppID: "wx0123456789abcdef",
		Log:   miniProgram.Log{Level: "error", Stdout: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	app.AccessToken.GetCustomToken = mountedToken
	calls.OnEachLine(func() error {
		addresses, err := account.Base.GetCallbackIP(context.Background())
		if err != nil {
			return err
		}
		if addresses.ErrCode != 0 {
			return fmt.Errorf("%d %s", addresses.ErrCode, addresses.ErrMsg)
		}
		_, err = app.Base.CheckEncryptedData(context.Background(), "hash")
		return err
	})
}
