// The API keys: made at random when asked for; a deployment that is not asked leaves them as they are.

param name string
param location string
param tags object
param purgeProtection bool
param createKeys bool

@allowed([
  'Enabled'
  'Disabled'
])
param publicNetworkAccess string

@secure()
param firstAppKey string = newGuid()

@secure()
param firstAdminKey string = newGuid()

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    // Azure does not take false.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: publicNetworkAccess
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: publicNetworkAccess == 'Disabled' ? 'Deny' : 'Allow'
    }
  }
}

resource appKeys 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (createKeys) {
  parent: vault
  name: 'app-keys'
  properties: {
    contentType: 'One or two API keys, comma-separated'
    value: replace(firstAppKey, '-', '')
  }
}

resource adminKeys 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (createKeys) {
  parent: vault
  name: 'admin-keys'
  properties: {
    contentType: 'One or two API keys, comma-separated'
    value: replace(firstAdminKey, '-', '')
  }
}

output id string = vault.id
output name string = vault.name
