# Tells the deployment whether to make API keys: only where they are missing, so that it never replaces keys in use.
# Asks the control plane, which answers whatever the vault's network, and never sees a key.
$ErrorActionPreference = 'Stop'

function Invoke-Az {
    $answer = & az @args
    if ($LASTEXITCODE -ne 0) { throw "az $($args[0]) failed: install the Azure CLI and run 'az login'." }
    $answer
}

if (-not $env:AZURE_SUBSCRIPTION_ID) {
    throw "Run 'azd up', which asks for the subscription, or: azd env set AZURE_SUBSCRIPTION_ID ..."
}

$group = "rg-$env:AZURE_ENV_NAME"
$vault = ''
if ((Invoke-Az group exists --subscription $env:AZURE_SUBSCRIPTION_ID --name $group) -eq 'true') {
    $vault = Invoke-Az resource list --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $group `
        --resource-type Microsoft.KeyVault/vaults --query '[0].id' --output tsv
}

$keys = '0'
$readers = '0'
if ($vault) {
    $keys = Invoke-Az rest --method get --url "$vault/secrets?api-version=2023-07-01" `
        --query "length(value[?name=='app-keys' || name=='admin-keys'])" --output tsv
    $readers = Invoke-Az rest --method get --url "$vault/secrets?api-version=2023-07-01" `
        --query "length(value[?name=='reader-keys'])" --output tsv
}

if ($keys -notin '0', '2') {
    throw 'One of the secrets app-keys and admin-keys is missing in the vault. Making both anew would replace the other: ' +
        'recover or set the missing one (az keyvault secret recover, az keyvault secret set), or delete both.'
}
azd env set CREATE_READER_KEYS $(if ($readers -eq '0') { 'true' } else { 'false' })
if ($LASTEXITCODE -ne 0) { throw 'azd env set failed.' }
azd env set CREATE_KEYS $(if ($keys -eq '2') { 'false' } else { 'true' })
if ($LASTEXITCODE -ne 0) { throw 'azd env set failed.' }
