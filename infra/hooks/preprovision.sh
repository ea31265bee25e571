#!/bin/sh
# Tells the deployment whether to make API keys: only where they are missing, so that it never replaces keys in use.
# Asks the control plane, which answers whatever the vault's network, and never sees a key.
set -eu

if ! command -v az >/dev/null; then
  echo "Install the Azure CLI and run 'az login': it tells whether the API keys are there already." >&2
  exit 1
fi
if [ -z "${AZURE_SUBSCRIPTION_ID:-}" ]; then
  echo "Run 'azd up', which asks for the subscription, or: azd env set AZURE_SUBSCRIPTION_ID ..." >&2
  exit 1
fi

group="rg-$AZURE_ENV_NAME"
vault=""
exists=$(az group exists --subscription "$AZURE_SUBSCRIPTION_ID" --name "$group")
if [ "$exists" = true ]; then
  vault=$(az resource list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" \
    --resource-type Microsoft.KeyVault/vaults --query "[0].id" --output tsv)
fi

keys=0
readers=0
if [ -n "$vault" ]; then
  keys=$(az rest --method get --url "$vault/secrets?api-version=2023-07-01" \
    --query "length(value[?name=='app-keys' || name=='admin-keys'])" --output tsv)
  readers=$(az rest --method get --url "$vault/secrets?api-version=2023-07-01" \
    --query "length(value[?name=='reader-keys'])" --output tsv)
fi

case "$readers" in
  0) azd env set CREATE_READER_KEYS true ;;
  *) azd env set CREATE_READER_KEYS false ;;
esac
case "$keys" in
  0) azd env set CREATE_KEYS true ;;
  2) azd env set CREATE_KEYS false ;;
  *)
    echo "One of the secrets app-keys and admin-keys is missing in the vault. Making both anew would replace the other:" >&2
    echo "recover or set the missing one (az keyvault secret recover, az keyvault secret set), or delete both." >&2
    exit 1
    ;;
esac
