// Runs once for the checked text. Gradio gives: element, watch.
dateline.tips(element);

// The text above may fill the window: show that there is a result.
watch("value", () => element.querySelector(".dl-summary, .dl-problem")?.scrollIntoView({ block: "nearest" }));
