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

@description('When the evaluator looks for evaluations that wait, as NCRONTAB. Each look is an execution of a second at least.')
param evaluatorSchedule string = '0 */5 * * * *'

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

@description('Make a new key for readers. Needed once; azd tells whether it is missing. True later on replaces those in use.')
param createReaderKeys bool = false

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
param settings { *: string } = {}

var abbrs = loadJsonContent('./abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
// Names are made here and given to the modules: one that a module got as an output of another is unknown to a preview
// of changes, which then says nothing of what has that name.
var identityName = '${abbrs.managedIdentityUserAssignedIdentities}${token}'
var workspaceName = '${abbrs.operationalInsightsWorkspaces}${token}'
var insightsName = '${abbrs.insightsComponents}${token}'
var hostStorageName = '${abbrs.storageStorageAccounts}host${token}'
var packageContainer = 'app-package'
var dataStorageName = '${abbrs.storageStorageAccounts}data${token}'
var dataContainer = 'personalizer'
var hubsName = '${abbrs.eventHubNamespaces}${token}'
var interactionsHub = 'interactions'
var observationsHub = 'observations'
var vaultName = '${abbrs.keyVaultVaults}${token}'
var vnetName = '${abbrs.networkVirtualNetworks}${token}'
var appSubnetName = 'app'
var functionName = '${abbrs.webSitesFunctions}${token}'
var publicNetworkAccess = privateNetworking ? 'Disabled' : 'Enabled'
var hubsSku = privateNetworking ? 'Standard' : eventHubsSku
// Basic has no other consumer group than $Default.
var consumerGroup = hubsSku == 'Basic' ? '$Default' : 'trainer'
// Basic takes messages of 256 KB, Standard of 1 MB; the rest is for what surrounds an event.
var maxEventBytes = hubsSku == 'Basic' ? 250000 : 1040000
var retentionHours = hubsSku == 'Basic' ? 24 : eventHubsRetentionHours
// A trainer that was away, or is retried, still finds what it has to join: 12 hours are its margin.
var longestRewardWaitHours = min(48, retentionHours - 12)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${abbrs.resourcesResourceGroups}${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  scope: group
  params: {
    name: identityName
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: workspaceName
    insightsName: insightsName
    location: location
    tags: tags
  }
}

// Two accounts: the host's role reaches a whole account, and must not reach models and logs.
module hostStorage 'app/storage.bicep' = {
  scope: group
  params: {
    name: hostStorageName
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
  scope: group
  params: {
    name: dataStorageName
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
  scope: group
  params: {
    name: hubsName
    location: location
    tags: tags
    sku: hubsSku
    capacity: eventHubsCapacity
    partitions: eventHubsPartitions
    interactionsHub: interactionsHub
    observationsHub: observationsHub
    consumerGroup: consumerGroup
    retentionHours: retentionHours
    publicNetworkAccess: publicNetworkAccess
  }
}

module vault 'app/vault.bicep' = {
  scope: group
  params: {
    name: vaultName
    location: location
    tags: tags
    purgeProtection: keyVaultPurgeProtection
    publicNetworkAccess: publicNetworkAccess
  }
}

module keys 'app/keys.bicep' = if (createKeys) {
  scope: group
  dependsOn: [
    vault
  ]
  params: {
    vaultName: vaultName
  }
}

module readerKeys 'app/reader-keys.bicep' = if (createReaderKeys) {
  scope: group
  dependsOn: [
    vault
  ]
  params: {
    vaultName: vaultName
  }
}

module network 'app/network.bicep' = if (privateNetworking) {
  scope: group
  dependsOn: [
    dataStorage
    hostStorage
    hubs
    vault
  ]
  params: {
    vnetName: vnetName
    appSubnetName: appSubnetName
    location: location
    tags: tags
    endpoints: [
      {
        name: 'host-storage'
        serviceName: hostStorageName
        service: 'blob'
      }
      {
        name: 'data-storage'
        serviceName: dataStorageName
        service: 'blob'
      }
      {
        name: 'hubs'
        serviceName: hubsName
        service: 'namespace'
      }
      {
        name: 'vault'
        serviceName: vaultName
        service: 'vault'
      }
    ]
  }
}

module roles 'app/roles.bicep' = {
  scope: group
  dependsOn: [
    dataStorage
    hostStorage
    hubs
    identity
    monitoring
    vault
  ]
  params: {
    hostStorageName: hostStorageName
    dataStorageName: dataStorageName
    dataContainer: dataContainer
    hubsName: hubsName
    interactionsHub: interactionsHub
    observationsHub: observationsHub
    vaultName: vaultName
    insightsName: insightsName
    identityName: identityName
    deployerPrincipalId: deployerAccess ? principalId : ''
    deployerPrincipalType: principalType
  }
}

// Last: the platform reads the keys when it gets the settings.
module api 'app/api.bicep' = {
  scope: group
  dependsOn: [
    identity
    keys
    monitoring
    network
    readerKeys
    roles
  ]
  params: {
    name: functionName
    planName: '${abbrs.webServerFarms}${token}'
    location: location
    tags: tags
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    identityName: identityName
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    packageContainer: packageContainer
    dataBlobEndpoint: dataStorage.outputs.blobEndpoint
    dataContainer: dataContainer
    hubsHost: hubs.outputs.host
    hubsPartitions: eventHubsPartitions
    interactionsHub: interactionsHub
    observationsHub: observationsHub
    consumerGroup: consumerGroup
    maxEventBytes: maxEventBytes
    longestRewardWaitHours: longestRewardWaitHours
    trainerSchedule: trainerSchedule
    evaluatorSchedule: evaluatorSchedule
    vaultName: vaultName
    signingKeyFromVault: signingKeyFromVault
    entraClientId: entraClientId
    allowedOrigins: allowedOrigins
    insightsName: insightsName
    vnetName: privateNetworking ? vnetName : ''
    appSubnetName: appSubnetName
    settings: settings
  }
}

module authentication 'app/authentication.bicep' = if (!empty(entraClientId)) {
  scope: group
  dependsOn: [
    api
  ]
  params: {
    siteName: functionName
    clientId: entraClientId
  }
}

module alerts 'app/alerts.bicep' = {
  scope: group
  dependsOn: [
    monitoring
  ]
  params: {
    actionGroupName: '${abbrs.insightsActionGroups}${token}'
    location: location
    tags: tags
    workspaceName: workspaceName
    email: alertEmail
  }
}

module workbook 'app/workbook.bicep' = {
  scope: group
  dependsOn: [
    monitoring
  ]
  params: {
    location: location
    tags: tags
    workspaceName: workspaceName
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = functionName
output AZURE_KEY_VAULT_NAME string = vaultName
output SERVICE_API_NAME string = functionName
output SERVICE_API_ENDPOINT string = api.outputs.endpoint
output STORAGE_ACCOUNT_URL string = dataStorage.outputs.blobEndpoint
