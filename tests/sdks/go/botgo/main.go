package main

import (
	"context"

	"sdks/calls"
)

func main() {
	calls.OnEachLine(func() error {
		_, err := api.Me(context.Background())
		return err
	})
}
