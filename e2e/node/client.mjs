// What both scripts share: a client whose traffic is recorded and whose errors
// fail the run.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { PostHog } from 'posthog-node'

export const { HOST, TOKEN, KEY, SECRET } = process.env

export function connect(options = {}) {
  const calls = []
  const client = new PostHog(TOKEN, {
    host: HOST,
    flushInterval: 50,
    flushAt: 1,
    ...options,
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      calls.push({ path: new URL(url).pathname, status: response.status })
      return response
    },
  })
  const errors = []
  client.on('error', (error) => errors.push(error))
  const seen = (path, status) => calls.filter((c) => c.path === path && c.status === status).length
  const close = async () => {
    await client.shutdown()
    assert.deepEqual(errors, [], 'the SDK reported errors')
    const odd = calls.filter((c) => c.status !== 200 && c.status !== 304)
    assert.deepEqual(odd, [], 'unexpected answers')
  }
  return { client, calls, seen, close }
}

// until polls for an effect that the SDK brings about in the background.
export async function until(what, ok) {
  for (let i = 0; i < 1000; i++) {
    if (await ok()) return
    await pause(20)
  }
  assert.fail(`did not happen: ${what}`)
}

// expect asks for one flag and compares what the SDK makes of it.
export async function expect(client, what, key, id, options, want) {
  const r = await client.getFeatureFlagResult(key, id, { sendFeatureFlagEvents: false, ...options })
  const got = r && { enabled: r.enabled, variant: r.variant, payload: r.payload ?? undefined }
  assert.deepEqual(got, want, what)
  console.log('ok', what)
}

export const on = (variant, payload) => ({ enabled: true, variant, payload })
export const off = { enabled: false, variant: undefined, payload: undefined }
