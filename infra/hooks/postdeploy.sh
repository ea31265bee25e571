#!/bin/sh
# Has the app read its keys, and tells how to use what was deployed. Prints no key, but how to get it.
set -eu

# The app's role on the vault may be younger than the settings that refer to it.
site="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$AZURE_FUNCTION_NAME"
az rest --method post --url "$site/config/configreferences/appsettings/refresh?api-version=2022-03-01" --output none ||
  echo "The app's references to the vault were not refreshed; if it does not answer, see docs/operate.md." >&2

cat <<END

Endpoint: $SERVICE_API_ENDPOINT

The app key ranks and rewards; for the admin key, read admin-keys:

  KEY=\$(az keyvault secret show --vault-name $AZURE_KEY_VAULT_NAME --name app-keys --query value --output tsv | cut -d, -f1)

A first Rank:

  curl -fsS -X POST $SERVICE_API_ENDPOINT/personalizer/v1.0/rank \\
    -H "Ocp-Apim-Subscription-Key: \$KEY" -H 'Content-Type: application/json' \\
    -d '{"actions": [{"id": "pasta", "features": [{"taste": "salty"}]}, {"id": "ice-cream", "features": [{"taste": "sweet"}]}]}'

All operations: $SERVICE_API_ENDPOINT/docs
END
