package main

import (
	"github.com/chanxuehong/wechat/mp/base"

	"sdks/calls"
)

func main() {
	calls.OnEachLine(func() error {
		_, err := base.GetCallbackIP(client)
		return err
	})
}
