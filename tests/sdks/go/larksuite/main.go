package main

import (
	"context"

	larkcontact "github.com/larksuite/oapi-sdk-go/v3/service/contact/v3"

	"sdks/calls"
)

func main() {
	calls.OnEachLine(func() error {
		request := larkcontact.NewGetUserReqBuilder().UserId("u1").Build()
		response, err := client.Contact.User.Get(context.Background(), request)
		if err == nil && !response.Success() {
			err = response.CodeError
		}
		return err
	})
}
