# Has the app read its keys, and tells how to use what was deployed. Prints no key, but how to get it.
$ErrorActionPreference = 'Stop'

# The app's role on the vault may be younger than the settings that refer to it.
$site = "/subscriptions/$env:AZURE_SUBSCRIPTION_ID/resourceGroups/$env:AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$env:AZURE_FUNCTION_NAME"
az rest --method post --url "$site/config/configreferences/appsettings/refresh?api-version=2022-03-01" --output none
if ($LASTEXITCODE -ne 0) {
    Write-Warning 'The references of the app to the vault were not refreshed; if it does not answer, see docs/operate.md.'
}

@"

Endpoint: $env:SERVICE_API_ENDPOINT

The app key ranks and rewards; for the admin key, read admin-keys:

  `$key = (az keyvault secret show --vault-name $env:AZURE_KEY_VAULT_NAME --name app-keys --query value --output tsv).Split(',')[0]

A first Rank:

  Invoke-RestMethod -Method Post $env:SERVICE_API_ENDPOINT/personalizer/v1.0/rank ``
    -Headers @{ 'Ocp-Apim-Subscription-Key' = `$key } -ContentType application/json ``
    -Body '{"actions": [{"id": "pasta", "features": [{"taste": "salty"}]}, {"id": "ice-cream", "features": [{"taste": "sweet"}]}]}'

All operations: $env:SERVICE_API_ENDPOINT/docs
"@
