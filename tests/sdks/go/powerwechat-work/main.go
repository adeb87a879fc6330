package main

import (
	"context"
	"fmt"
	"log"

	"sdks/calls"
)

func main() {
	app, err := newWork()
	if err != nil {
		log.Fatal(err)
	}
	calls.OnEachLine(func() error {
		answer, err := app.Base.GetCallbackIP(context.Background())
		if err == nil && answer.ErrCode != 0 {
			err = fmt.Errorf("%d %s", answer.ErrCode, answer.ErrMsg)
		}
		return err
	})
}
