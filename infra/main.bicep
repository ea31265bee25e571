targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the environment; resource names are made of it.')
param environmentName string

@minLength(1)
@description('Azure region of all resources.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Object id of who deploys, who may read and rotate the keys and import data; empty: nobody is given access.')
param principalId string = ''

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
@description('What principalId is.')
param principalType string = 'User'

@description('Give principalId these rights. What was given before stays until it is deleted, see Keys.')
param deployerAccess bool = true

@allowed([
  '3.11'
  '3.12'
  '3.13'
])
@description('Python version of the function app.')
param pythonVersion string = '3.12'

@allowed([
  512
  2048
  4096
])
@description('Memory of one instance, in MB.')
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
@description('Most instances the app may scale out to.')
param maximumInstanceCount int = 100

@minValue(1)
@maxValue(1000)
@description('Requests that one instance answers at the same time before another is started.')
param httpConcurrency int = 32

@minValue(0)
@maxValue(20)
@description('Instances that always run for HTTP; 0 saves their price and makes the first Rank after a pause wait for a start.')
param alwaysReadyInstances int = 1

@description('When the trainer looks for work, as NCRONTAB. Each look is an execution of a second at least; loops train at their own modelExportFrequency, at the next look.')
param trainerSchedule string = '0 * * * * *'

@allowed([
  'Basic'
  'Standard'
])
@description('Tier of Event Hubs. Basic keeps events for a day and has no private endpoints: with privateNetworking it counts as Standard.')
param eventHubsSku string = 'Standard'

@minValue(1)
@maxValue(40)
@description('Throughput units of Event Hubs: 1 MB/s in and 2 MB/s out each.')
param eventHubsCapacity int = 1

@minValue(1)
@maxValue(32)
@description('Partitions of both event hubs; cannot be changed later.')
param eventHubsPartitions int = 4

@minValue(24)
@maxValue(168)
@description('Hours that Event Hubs keeps events, 24 on Basic. A reward wait time must end 12 hours before, else it is refused.')
param eventHubsRetentionHours int = 72

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
@description('Replication of the storage accounts.')
param storageSku string = 'Standard_LRS'

@minValue(1)
@maxValue(365)
@description('Days that deleted and overwritten blobs can be recovered, models and checkpoints among them.')
param softDeleteDays int = 7

@minValue(1)
@maxValue(3650)
@description('Days after which a blob that nobody wrote, a log in most cases, moves to the cool tier.')
param coolAfterDays int = 30

@description('Make new API keys. Needed once; azd tells whether they are missing. True later on replaces the keys in use.')
param createKeys bool = false

@description('Deleted keys cannot be destroyed for a week, nor can the vault. Once on, it stays on.')
param keyVaultPurgeProtection bool = true

@description('Sign exported models with the secret signing-key of the vault, which must exist; else the app makes a key.')
param signingKeyFromVault bool = false

@description('Application (client) id of an Entra app registration whose tokens are taken beside API keys; empty: keys only.')
param entraClientId string = ''

@description('Origins of pages that may call the service from a browser, separated by commas; empty: none.')
param allowedOrigins string = ''

@description('Reach storage, event hubs and vault through a virtual network only.')
param privateNetworking bool = false

@description('Where alerts are sent; empty: they only show in the portal.')
param alertEmail string = ''

@description('Further settings of the app by name, as docs/settings.md lists them.')
param settings object = {}

var abbrs = loadJsonContent('./abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var dataContainer = 'personalizer'
var packageContainer = 'app-package'
var vnetName = '${abbrs.networkVirtualNetworks}${token}'
var publicNetworkAccess = privateNetworking ? 'Disabled' : 'Enabled'
var hubsSku = privateNetworking ? 'Standard' : eventHubsSku
var retentionHours = hubsSku == 'Basic' ? 24 : eventHubsRetentionHours
// A trainer that was away, or is retried, still finds what it has to join: 12 hours are its margin.
var longestRewardWaitHours = min(48, retentionHours - 12)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${abbrs.resourcesResourceGroups}${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbrs.managedIdentityUserAssignedIdentities}${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbrs.operationalInsightsWorkspaces}${token}'
    insightsName: '${abbrs.insightsComponents}${token}'
    location: location
    tags: tags
  }
}

// Two accounts: the host's role reaches a whole account, and must not reach models and logs.
module hostStorage 'app/storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: '${abbrs.storageStorageAccounts}host${token}'
    location: location
    tags: tags
    sku: storageSku
    container: packageContainer
    softDeleteDays: softDeleteDays
    coolAfterDays: 0
    publicNetworkAccess: publicNetworkAccess
  }
}

module dataStorage 'app/storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: '${abbrs.storageStorageAccounts}data${token}'
    location: location
    tags: tags
    sku: storageSku
    container: dataContainer
    softDeleteDays: softDeleteDays
    coolAfterDays: coolAfterDays
    publicNetworkAccess: publicNetworkAccess
  }
}

module hubs 'app/hubs.bicep' = {
  name: 'hubs'
  scope: group
  params: {
    name: '${abbrs.eventHubNamespaces}${token}'
    location: location
    tags: tags
    sku: hubsSku
    capacity: eventHubsCapacity
    partitions: eventHubsPartitions
    retentionHours: retentionHours
    publicNetworkAccess: publicNetworkAccess
  }
}

module vault 'app/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: '${abbrs.keyVaultVaults}${token}'
    location: location
    tags: tags
    purgeProtection: keyVaultPurgeProtection
    publicNetworkAccess: publicNetworkAccess
  }
}

module keys 'app/keys.bicep' = if (createKeys) {
  name: 'keys'
  scope: group
  params: {
    vaultName: vault.outputs.name
  }
}

module network 'app/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: group
  params: {
    vnetName: vnetName
    location: location
    tags: tags
    endpoints: [
      {
        name: 'host-storage'
        serviceId: hostStorage.outputs.id
        service: 'blob'
      }
      {
        name: 'data-storage'
        serviceId: dataStorage.outputs.id
        service: 'blob'
      }
      {
        name: 'hubs'
        serviceId: hubs.outputs.id
        service: 'namespace'
      }
      {
        name: 'vault'
        serviceId: vault.outputs.id
        service: 'vault'
      }
    ]
  }
}

module roles 'app/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    dataContainer: dataContainer
    hubsName: hubs.outputs.name
    interactionsHub: hubs.outputs.interactionsHub
    observationsHub: hubs.outputs.observationsHub
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: deployerAccess ? principalId : ''
    deployerPrincipalType: principalType
  }
}

// Last: the platform reads the keys when it gets the settings.
module api 'app/api.bicep' = {
  name: 'api'
  scope: group
  dependsOn: [
    keys
    network
    roles
  ]
  params: {
    name: '${abbrs.webSitesFunctions}${token}'
    planName: '${abbrs.webServerFarms}${token}'
    location: location
    tags: tags
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    packageContainer: packageContainer
    dataBlobEndpoint: dataStorage.outputs.blobEndpoint
    dataContainer: dataContainer
    hubsHost: hubs.outputs.host
    hubsPartitions: eventHubsPartitions
    interactionsHub: hubs.outputs.interactionsHub
    observationsHub: hubs.outputs.observationsHub
    consumerGroup: hubs.outputs.consumerGroup
    maxEventBytes: hubs.outputs.maxEventBytes
    longestRewardWaitHours: longestRewardWaitHours
    trainerSchedule: trainerSchedule
    vaultName: vault.outputs.name
    signingKeyFromVault: signingKeyFromVault
    entraClientId: entraClientId
    allowedOrigins: allowedOrigins
    insightsName: monitoring.outputs.insightsName
    vnetName: privateNetworking ? vnetName : ''
    settings: settings
  }
}

module authentication 'app/authentication.bicep' = if (!empty(entraClientId)) {
  name: 'authentication'
  scope: group
  params: {
    siteName: api.outputs.name
    clientId: entraClientId
  }
}

module alerts 'app/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    actionGroupName: '${abbrs.insightsActionGroups}${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = api.outputs.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SERVICE_API_NAME string = api.outputs.name
output SERVICE_API_ENDPOINT string = api.outputs.endpoint
output STORAGE_ACCOUNT_URL string = dataStorage.outputs.blobEndpoint
