#!/bin/sh
# Tells how to use what was deployed. Prints no key, but how to get it.
set -eu

cat <<END

Endpoint: $SERVICE_API_ENDPOINT

The app key ranks and rewards; for the admin key, read admin-keys:

  KEY=\$(az keyvault secret show --vault-name $AZURE_KEY_VAULT_NAME --name app-keys --query value --output tsv | cut -d, -f1)

A first Rank:

  curl -X POST $SERVICE_API_ENDPOINT/personalizer/v1.0/rank \\
    -H "Ocp-Apim-Subscription-Key: \$KEY" -H 'Content-Type: application/json' \\
    -d '{"actions": [{"id": "pasta", "features": [{"taste": "salty"}]}, {"id": "ice-cream", "features": [{"taste": "sweet"}]}]}'

All operations: $SERVICE_API_ENDPOINT/docs
END
