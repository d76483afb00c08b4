// The whole life of a number on openapi-generator's Go client: search, dry run, order, 409, release.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	desk "openapi"
)

func main() {
	configuration := desk.NewConfiguration()
	configuration.Servers = desk.ServerConfigurations{{URL: os.Getenv("NUMBERDESK_URL")}}
	api := desk.NewAPIClient(configuration).PhoneNumbersAPI
	ctx := context.WithValue(context.Background(), desk.ContextAccessToken, os.Getenv("NUMBERDESK_API_KEY"))

	search := desk.NewSearchRequest()
	search.SetQuantity(2)
	found, _, err := api.SearchNumbers(ctx).SearchRequest(*search).Execute()
	must(err)
	numbers := []string{}
	for _, one := range found.Data {
		numbers = append(numbers, one.Number)
	}
	order := desk.NewOrderRequest(numbers)
	order.SetLabel("life")

	quote, _, err := api.OrderNumbers(ctx).OrderRequest(*order).DryRun(true).Execute()
	must(err)
	if quote.QuoteAnswer == nil || quote.OrderAnswer != nil {
		log.Fatal("no quote")
	}
	placed, _, err := api.OrderNumbers(ctx).OrderRequest(*order).IdempotencyKey("life").Execute()
	must(err)
	if placed.OrderAnswer == nil || placed.QuoteAnswer != nil {
		log.Fatal("no order")
	}
	one := placed.OrderAnswer.Data[0]

	_, _, err = api.OrderNumbers(ctx).OrderRequest(*order).Execute()
	var refused *desk.GenericOpenAPIError
	if !errors.As(err, &refused) {
		log.Fatal("sold twice")
	}
	conflict, known := refused.Model().(desk.OrderNumbersConflictError)
	if !known {
		log.Fatalf("the conflict is a %T", refused.Model())
	}
	released, _, err := api.ReleaseNumber(ctx, one.Id).Execute()
	must(err)

	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"ordered": numbers,
		"total":   quote.QuoteAnswer.Data.Total,
		"order":   len(placed.OrderAnswer.Meta.OrderId),
		"label":   one.GetLabel(),
		"code":    conflict.Error.Code,
		"yours":   conflict.Data.AlreadyYours,
		"status":  released.Data.Status,
	}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
