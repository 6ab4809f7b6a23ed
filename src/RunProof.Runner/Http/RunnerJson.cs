using System.Text.Json;
using System.Text.Json.Serialization;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Every type that the runner writes or documents.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AgentView))]
[JsonSerializable(typeof(AgentPage))]
[JsonSerializable(typeof(CreateAgent))]
[JsonSerializable(typeof(RunView))]
[JsonSerializable(typeof(RunPage))]
[JsonSerializable(typeof(CreateRun))]
[JsonSerializable(typeof(RunStatusEvent))]
[JsonSerializable(typeof(RunStepEvent))]
[JsonSerializable(typeof(RunSealedEvent))]
[JsonSerializable(typeof(RunEndEvent))]
[JsonSerializable(typeof(ReplayRun))]
[JsonSerializable(typeof(ForkRun))]
[JsonSerializable(typeof(SkillPage))]
[JsonSerializable(typeof(PolicyView))]
[JsonSerializable(typeof(PolicyVersions))]
[JsonSerializable(typeof(PolicyPage))]
[JsonSerializable(typeof(PolicyCheckView))]
[JsonSerializable(typeof(CheckPolicy))]
[JsonSerializable(typeof(BudgetView))]
[JsonSerializable(typeof(BudgetVersions))]
[JsonSerializable(typeof(BudgetPage))]
[JsonSerializable(typeof(BudgetUsageView))]
[JsonSerializable(typeof(PutBudget))]
[JsonSerializable(typeof(KillSwitchView))]
[JsonSerializable(typeof(KillSwitchPage))]
[JsonSerializable(typeof(PutKillSwitch))]
[JsonSerializable(typeof(ApprovalView))]
[JsonSerializable(typeof(ApprovalPage))]
[JsonSerializable(typeof(DecideApproval))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int?))]
internal sealed partial class RunnerJson : JsonSerializerContext;
