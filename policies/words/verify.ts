/** Sentences about verified evidence: what each check means, why one does not hold, and the verdict. */
export const VERIFY_WORDS = {
  'verify.check.form': {
    en: 'The receipt is a well-formed signed text.',
    zh: '收据是格式正确的签名文本。',
  },
  'verify.check.algorithm': {
    en: 'The signature algorithm is the one of the key (EdDSA, or SM2SM3 for SM2).',
    zh: '签名算法与密钥相符（EdDSA；SM2 密钥为 SM2SM3）。',
  },
  'verify.check.type': { en: 'The text states that it is a receipt.', zh: '文本声明自己是收据。' },
  'verify.check.key': { en: 'The signing key is one you trust.', zh: '签名密钥是您信任的密钥。' },
  'verify.check.signature': { en: 'The signature is valid.', zh: '签名有效。' },
  'verify.check.payload': {
    en: 'Every field of the receipt is known and well formed.',
    zh: '收据的每个字段均为已知且格式正确。',
  },
  'verify.check.budget': {
    en: 'The budget moved by exactly the stated cost and stayed within its limit.',
    zh: '隐私预算的变动恰好等于所述成本，且未超出上限。',
  },
  'verify.check.proof': { en: 'The log proof is well formed.', zh: '日志证明格式正确。' },
  'verify.check.checkpoint': {
    en: 'The checkpoint is signed by the log key you gave.',
    zh: '检查点由您提供的日志密钥签名。',
  },
  'verify.check.inclusion': {
    en: 'The receipt is in the log at the stated place.',
    zh: '收据位于日志中的所述位置。',
  },
  'verify.check.history': {
    en: 'The proof and the checkpoint you kept belong to one history.',
    zh: '该证明与您保存的检查点属于同一历史。',
  },
  'verify.check.output': {
    en: 'The disclosed answer is the one the receipt was signed for.',
    zh: '所披露的结果正是收据所签署的结果。',
  },

  'verify.JWS_MALFORMED': {
    en: 'This is not a receipt in its one accepted spelling.',
    zh: '这不是以唯一认可的写法书写的收据。',
  },
  'verify.HEADER_FORBIDDEN': {
    en: 'The header of the receipt lacks a required member or has one that is not allowed.',
    zh: '收据头缺少必需的成员，或含有不允许的成员。',
  },
  'verify.ALG_FORBIDDEN': {
    en: 'The receipt names a signature algorithm that is not the one of its key (EdDSA, or SM2SM3 for SM2).',
    zh: '收据所用签名算法与其密钥不符（应为 EdDSA；SM2 密钥应为 SM2SM3）。',
  },
  'verify.TYP_WRONG': {
    en: 'The text is signed, but it is not a receipt.',
    zh: '该文本虽已签名，但不是收据。',
  },
  'verify.KEY_MALFORMED': {
    en: 'A key is no public key of Ed25519 or SM2.',
    zh: '某个密钥不是 Ed25519 或 SM2 公钥。',
  },
  'verify.KEY_UNKNOWN': {
    en: 'The receipt is signed in the name of a key that you did not give.',
    zh: '收据以您未提供的密钥名义签名。',
  },
  'verify.KID_MISMATCH': {
    en: 'The key inside the receipt is not the key that the receipt names.',
    zh: '收据内附的密钥与收据所称的密钥不一致。',
  },
  'verify.SIGNATURE_INVALID': {
    en: 'The signature is not valid: the receipt was changed, or another key signed it.',
    zh: '签名无效：收据被改动，或由其他密钥签名。',
  },
  'verify.PAYLOAD_NOT_CANONICAL': {
    en: 'What was signed is not canonical JSON.',
    zh: '被签名的内容不是规范 JSON。',
  },
  'verify.PAYLOAD_SCHEMA': {
    en: 'The field {field} of the receipt is missing, unknown or malformed.',
    zh: '收据的字段 {field} 缺失、未知或格式错误。',
  },
  'verify.BUDGET_ARITHMETIC': {
    en: 'The budget before and after do not differ by the stated cost, or exceed the limit.',
    zh: '前后预算之差与所述成本不符，或超出上限。',
  },
  'verify.PROOF_MALFORMED': {
    en: 'The log proof is not a c2sp.org/tlog-proof@v1 file.',
    zh: '日志证明不是 c2sp.org/tlog-proof@v1 文件。',
  },
  'verify.NOTE_MALFORMED': {
    en: 'The checkpoint in the log proof is not a signed note.',
    zh: '日志证明中的检查点不是签名文本（signed note）。',
  },
  'verify.NOTE_KEY_MALFORMED': {
    en: 'The log key you gave is not a verifier key (name+id+key).',
    zh: '您提供的日志密钥不是验证密钥（名称+编号+密钥）。',
  },
  'verify.NOTE_NOT_SIGNED': {
    en: 'The checkpoint is not signed by the log key you gave.',
    zh: '检查点未由您提供的日志密钥签名。',
  },
  'verify.NOTE_SIGNATURE_INVALID': {
    en: 'The signature of the checkpoint is not valid: it was changed.',
    zh: '检查点的签名无效：内容已被改动。',
  },
  'verify.CHECKPOINT_MALFORMED': {
    en: 'The checkpoint does not state origin, size and root as it must.',
    zh: '检查点未按规定写明来源、大小与根哈希。',
  },
  'verify.CHECKPOINT_ORIGIN': {
    en: 'The checkpoint belongs to a log of another name than its key.',
    zh: '检查点所属日志的名称与其密钥的名称不同。',
  },
  'verify.NOT_INCLUDED': {
    en: 'The proof does not show that this receipt is in the log.',
    zh: '该证明未能表明此收据在日志中。',
  },
  'verify.LOG_FORKED': {
    en: 'The log has shown two histories that do not fit together.',
    zh: '日志出示了两段互不相容的历史。',
  },
  'verify.HISTORY_UNUSABLE': {
    en: 'The checkpoint you kept is malformed, empty, unsigned, or of another log.',
    zh: '您保存的检查点格式错误、为空、未签名，或属于另一日志。',
  },
  'verify.OUTPUT_ABSENT': {
    en: 'An answer was disclosed, but the receipt is for a run that released none.',
    zh: '披露了结果，但收据对应的运行并未发布任何结果。',
  },
  'verify.OUTPUT_MISMATCH': {
    en: 'The disclosed answer is not the one the receipt was signed for.',
    zh: '所披露的结果不是收据所签署的结果。',
  },

  'verify.KEY_SELF_ASSERTED': {
    en: 'Self-asserted key {key}, not pinned: the receipt shows only that one key signed it, not whose.',
    zh: '自证密钥 {key}，未被固定信任：收据仅表明由某一密钥签名，不表明属于谁。',
  },
  'verify.LOG_KEY_ABSENT': {
    en: 'No log key was given: the checkpoint stands on its own word.',
    zh: '未提供日志密钥：检查点仅凭其自身陈述。',
  },
  'verify.CONSISTENCY_NOT_SHOWN': {
    en: 'No consistency proof was given: the two checkpoints were not compared.',
    zh: '未提供一致性证明：两个检查点未作比较。',
  },
  'verify.PROOF_ABSENT': {
    en: 'No log proof was given: whether the receipt is in the log was not checked.',
    zh: '未提供日志证明：未检查收据是否在日志中。',
  },
  'verify.OUTPUT_NOT_DISCLOSED': {
    en: 'No answer was given: it was not compared with the receipt.',
    zh: '未提供结果：未与收据比对。',
  },

  'verify.verdict.valid': {
    en: 'Valid: everything that could be checked holds.',
    zh: '有效：所有可检查的内容均成立。',
  },
  'verify.verdict.selfAsserted': {
    en: 'Not trusted: the receipt is intact, but only its own key vouches for it.',
    zh: '不可信任：收据完整，但仅由其自带的密钥担保。',
  },
  'verify.verdict.unanchored': {
    en: 'Signed by a key you trust, but its place in the log rests on an unchecked statement.',
    zh: '由您信任的密钥签名，但其在日志中的位置依赖未经核验的陈述。',
  },
  'verify.verdict.invalid': { en: 'Not valid.', zh: '无效。' },
} as const;
