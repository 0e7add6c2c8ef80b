-- What was revoked below one root macaroon: by its holder, whose entry names the tree since this version, or by an agent's name.

create index revocations_by_tree on public.revocations (target_token_id) where target_token_id is not null;
