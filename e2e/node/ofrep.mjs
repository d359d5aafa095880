// Remote evaluation with OpenFeature's SDK and its OFREP provider.
import assert from 'node:assert/strict'
import { OFREPProvider } from '@openfeature/ofrep-provider'
import { OpenFeature } from '@openfeature/server-sdk'

const { HOST, TOKEN, SECRET } = process.env

// connect returns a client whose traffic is recorded as status codes.
async function connect(name, headers, baseUrl = HOST) {
  const statuses = []
  const provider = new OFREPProvider({
    baseUrl,
    headers,
    fetchImplementation: async (request) => {
      const response = await fetch(request)
      statuses.push(response.status)
      return response
    },
  })
  await OpenFeature.setProviderAndWait(name, provider)
  return { client: OpenFeature.getClient(name), statuses }
}

const { client, statuses } = await connect('token', [['Authorization', `Bearer ${TOKEN}`]])
const user = { targetingKey: 'distinct_id_7' }

// expect compares what the SDK makes of an answer.
function expect(what, got, want) {
  const { value, variant, reason, errorCode } = got
  assert.deepEqual({ value, variant, reason, errorCode }, { variant: undefined, errorCode: undefined, ...want }, what)
  console.log('ok', what)
}

const everyone = await client.getBooleanDetails('everyone', false, user)
expect('boolean', everyone, { value: true, variant: 'true', reason: 'TARGETING_MATCH' })
assert.deepEqual(JSON.parse(everyone.flagMetadata.payload), { steps: 2 })
assert.equal(everyone.flagMetadata.reasonCode, 'condition_match')
assert.equal(typeof everyone.flagMetadata.flagId, 'number')

expect('off', await client.getBooleanDetails('nobody', true, user), { value: false, variant: 'false', reason: 'DEFAULT' })
expect('variant', await client.getStringDetails('multivariate-flag', 'none', user),
  { value: 'control', variant: 'control', reason: 'SPLIT' })
expect('attribute', await client.getBooleanDetails('germany', false, { ...user, country: 'de' }),
  { value: true, variant: 'true', reason: 'TARGETING_MATCH' })
expect('group', await client.getBooleanDetails('big-company', false,
  { ...user, groups: { company: 'acme' }, groupProperties: { company: { seats: 250 } } }),
  { value: true, variant: 'true', reason: 'TARGETING_MATCH' })
expect('without its group', await client.getBooleanDetails('big-company', true, user),
  { value: false, variant: 'false', reason: 'DEFAULT' })
assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200])

expect('unknown flag', await client.getBooleanDetails('no-such-flag', true, user),
  { value: true, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' })
expect('no targeting key', await client.getBooleanDetails('everyone', false, {}),
  { value: false, reason: 'ERROR', errorCode: 'TARGETING_KEY_MISSING' })
expect('groups of the wrong type', await client.getBooleanDetails('everyone', false, { ...user, groups: ['admins'] }),
  { value: false, reason: 'ERROR', errorCode: 'INVALID_CONTEXT' })
assert.deepEqual(statuses.slice(6), [404, 400, 400])

const key = await connect('secret', [['X-API-Key', SECRET]], HOST + '/')
expect('secret key, slash at the end of the URL', await key.client.getBooleanDetails('everyone', false, user),
  { value: true, variant: 'true', reason: 'TARGETING_MATCH' })
assert.deepEqual(key.statuses, [200])

const nobody = await connect('nobody', [['Authorization', 'Bearer phc_nobody']])
const refused = await nobody.client.getBooleanDetails('everyone', false, user)
assert.equal(refused.reason, 'ERROR')
assert.deepEqual(nobody.statuses, [401])

await OpenFeature.close()
