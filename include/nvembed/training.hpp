#pragma once

/// Everything for fine-tuning, beside <nvembed/nvembed.hpp>.

#include <nvembed/autograd/tape.hpp>
#include <nvembed/batch/row_keys.hpp>
#include <nvembed/embed/save_embedder.hpp>
#include <nvembed/loss/contrastive_triplets.hpp>
#include <nvembed/loss/cosent.hpp>
#include <nvembed/loss/cosine_mse.hpp>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/hidden_state_distillation.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/loss/loss.hpp>
#include <nvembed/loss/matryoshka.hpp>
#include <nvembed/loss/score_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <nvembed/loss/weighted_sum.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <nvembed/optim/adam.hpp>
#include <nvembed/optim/adamw.hpp>
#include <nvembed/optim/clip.hpp>
#include <nvembed/optim/constant_schedule.hpp>
#include <nvembed/optim/cosine_schedule.hpp>
#include <nvembed/optim/linear_schedule.hpp>
#include <nvembed/optim/step_guard.hpp>
#include <nvembed/pool/start_latent_attention.hpp>
#include <nvembed/train/grad_cache.hpp>
#include <nvembed/train/memory_plan.hpp>
#include <nvembed/train/record_file.hpp>
#include <nvembed/train/stage_loss.hpp>
#include <nvembed/train/teacher_vectors.hpp>
#include <nvembed/train/trainer.hpp>
