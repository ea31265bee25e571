# Tells how to use what was deployed. Prints no key, but how to get it.
$ErrorActionPreference = 'Stop'

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
