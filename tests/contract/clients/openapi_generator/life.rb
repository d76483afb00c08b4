# The whole life of a number on openapi-generator's Ruby client: search, dry run, order, 409, release.
require 'json'
require 'uri'
require 'openapi_client'

OpenapiClient.configure do |config|
  url = URI(ENV.fetch('NUMBERDESK_URL'))
  config.scheme = url.scheme
  config.host = "#{url.host}:#{url.port}"
  config.server_index = nil
  config.access_token = ENV.fetch('NUMBERDESK_API_KEY')
end
api = OpenapiClient::PhoneNumbersApi.new

found = api.search_numbers(OpenapiClient::SearchRequest.new(quantity: 2))
numbers = found.data.map(&:number)
order = OpenapiClient::OrderRequest.new(numbers: numbers, label: 'life')
quote = api.order_numbers(order, dry_run: true)
raise 'no quote' unless quote.is_a?(OpenapiClient::QuoteAnswer)

placed = api.order_numbers(order, idempotency_key: 'life')
raise 'no order' unless placed.is_a?(OpenapiClient::OrderAnswer)

begin
  raise "sold twice: #{api.order_numbers(order)}"
rescue OpenapiClient::ApiError => e
  raise unless e.code == 409

  conflict = OpenapiClient::OrderNumbersConflictError.build_from_hash(JSON.parse(e.response_body, symbolize_names: true))
end
released = api.release_number(placed.data[0].id)

puts JSON.generate(
  ordered: numbers,
  total: quote.data.total,
  order: placed.meta.order_id.length,
  label: placed.data[0].label,
  code: conflict.error.code,
  yours: conflict.data.already_yours,
  status: released.data.status
)
